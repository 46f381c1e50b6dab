/** Rows of a job's plan that no part holds: what it never ran because it ended early. */
import { UNFINISHED } from '../db/queries/read-fates.ts';
import type { Job } from '../jobs/job.ts';
import { readPlanPages } from '../jobs/plan-pages.ts';
import { bareRowId } from '../jobs/row-format.ts';
import { lineId } from '../jsonl/line-id.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { openInput } from './input.ts';
import { type PlacedRow, readPlaced } from './read-rows.ts';
import type { WorkerContext } from './worker-context.ts';

/** The ids of rows with the fate `UNFINISHED`, as raw JSON string tokens, in the order of the input. */
export async function* readUnfinished(
  context: Pick<WorkerContext, 'store' | 'objects'>,
  job: Job,
  fates: Uint8Array,
): AsyncGenerator<Buffer> {
  const input = await openInput(context, job);
  for await (const { row, line } of readPlaced(input, (await findPlaces(context.objects, job, fates)).rows())) {
    const id = job.rowFormat === 'bare' ? Buffer.from(bareRowId(row)) : lineId(line);
    if (id !== undefined) yield id;
  }
}

async function findPlaces(objects: ObjectStore, job: Job, fates: Uint8Array): Promise<Places> {
  const places = new Places(job.inputRows ?? 0);
  for await (const { first, rows } of readPlanPages(objects, job))
    for (const [index, row] of rows.entries()) if (fates[first + index] === UNFINISHED) places.set(row);
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
