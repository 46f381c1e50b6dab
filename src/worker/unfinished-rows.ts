/** Rows of a job's plan that no part holds: what it never ran because it ended early. */
import { readPartPages } from '../db/queries/list-parts.ts';
import type { Job } from '../jobs/job.ts';
import { bareRowId } from '../jobs/row-format.ts';
import { lineId } from '../jsonl/line-id.ts';
import { openInput } from './input.ts';
import { readPlan } from './plan-pages.ts';
import { type PlacedRow, readPlaced } from './read-rows.ts';
import type { WorkerContext } from './worker-context.ts';

type Context = Pick<WorkerContext, 'store' | 'objects'>;

/** A set of positions of the plan, in a byte each. */
type Positions = Uint8Array;

/** Those that some part holds; undefined when these are all. */
export async function findFinished({ store }: Context, { uid, totalRows }: Job): Promise<Positions | undefined> {
  const finished = new Uint8Array(totalRows ?? 0);
  for await (const parts of readPartPages(store.db, uid))
    for (const { rows } of parts) for (const [first, end] of rows) finished.fill(1, first, end);
  return finished.includes(0) ? finished : undefined;
}

/** The ids of all others, as raw JSON string tokens, in the order of the input. */
export async function* readUnfinished(context: Context, job: Job, finished: Positions): AsyncGenerator<Buffer> {
  const input = await openInput(context, job);
  for await (const { row, line } of readPlaced(input, (await findPlaces(context, job, finished)).rows())) {
    const id = job.rowFormat === 'bare' ? Buffer.from(bareRowId(row)) : lineId(line);
    if (id !== undefined) yield id;
  }
}

async function findPlaces({ objects }: Context, job: Job, finished: Positions): Promise<Places> {
  const places = new Places(job.inputRows ?? 0);
  for await (const entries of readPlan(objects, job))
    for (const [position, entry] of entries) if (finished[position] === 0) places.set(entry);
  return places;
}

/** Where rows lie in the input, in 12 bytes for each row of it. */
class Places {
  readonly #offsets: Float64Array;
  /** 0: not one of them. */
  readonly #lengths: Uint32Array;

  constructor(inputRows: number) {
    this.#offsets = new Float64Array(inputRows);
    this.#lengths = new Uint32Array(inputRows);
  }

  set({ row, offset, length }: Omit<PlacedRow, 'position'>): void {
    this.#offsets[row] = offset;
    this.#lengths[row] = length;
  }

  *rows(): Generator<PlacedRow> {
    for (const [row, length] of this.#lengths.entries()) {
      if (length > 0) yield { position: row, row, offset: this.#offsets[row] ?? 0, length };
    }
  }
}
