/** Rows of a job's plan that no part holds: what it never ran because it ended early. */
import type { StoredPart } from '../db/queries/list-parts.ts';
import type { Job } from '../jobs/job.ts';
import { decodePlan, PLAN_ENTRY_BYTES } from '../jobs/plan-file.ts';
import { countPositions } from '../jobs/ranges.ts';
import { bareRowId } from '../jobs/row-format.ts';
import { lineId } from '../jsonl/line-id.ts';
import { openInput } from './input.ts';
import { type PlacedRow, readPlaced } from './read-rows.ts';
import type { WorkerContext } from './worker-context.ts';

const ENTRIES_AT_ONCE = 65_536;

/** How many there are. */
export const countUnfinished = ({ totalRows }: Job, parts: readonly StoredPart[]): number =>
  (totalRows ?? 0) - parts.reduce((sum, { rows }) => sum + countPositions(rows), 0);

/** Their ids, as raw JSON string tokens, in the order of the input. */
export async function* readUnfinished(
  context: Pick<WorkerContext, 'store' | 'objects'>,
  job: Job,
  parts: readonly StoredPart[],
): AsyncGenerator<Buffer> {
  const input = await openInput(context, job);
  for await (const { row, line } of readPlaced(input, (await findPlaces(context, job, parts)).rows())) {
    const id = job.rowFormat === 'bare' ? Buffer.from(bareRowId(row)) : lineId(line);
    if (id !== undefined) yield id;
  }
}

async function findPlaces({ objects }: Pick<WorkerContext, 'objects'>, job: Job, parts: readonly StoredPart[]): Promise<Places> {
  const { planKey, totalRows, inputRows } = job;
  const places = new Places(inputRows ?? 0);
  if (planKey === null || totalRows === null) return places;
  const isDone = markDone(totalRows, parts);
  for (let first = 0; first < totalRows; first += ENTRIES_AT_ONCE) {
    const range = { start: first * PLAN_ENTRY_BYTES, end: Math.min(totalRows, first + ENTRIES_AT_ONCE) * PLAN_ENTRY_BYTES };
    const entries = decodePlan(await objects.read(planKey, range));
    for (const [index, entry] of entries.entries()) if (isDone[first + index] === 0) places.set(entry);
  }
  return places;
}

function markDone(totalRows: number, parts: readonly StoredPart[]): Uint8Array {
  const isDone = new Uint8Array(totalRows);
  for (const { rows } of parts) for (const [first, end] of rows) isDone.fill(1, first, end);
  return isDone;
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
