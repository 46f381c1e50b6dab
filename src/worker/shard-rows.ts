/** A leased shard's rows, read from the input a little before engines ask for them, in whatever order they do. */
import type { ShardLease } from '../jobs/leases.ts';
import { decodePlan, PLAN_ENTRY_BYTES } from '../jobs/plan-file.ts';
import { hasPosition } from '../jobs/ranges.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Input } from './input.ts';
import { type PlacedRow, type ReadableRow, readSlice, toSlices } from './read-rows.ts';

export interface RowSource {
  readonly objects: ObjectStore;
  readonly planKey: string;
  readonly input: Input;
}

/** A row that can be had, once. */
export interface UnreadRow {
  /** Rejects when the input can't be read. */
  read(): Promise<ReadableRow>;
}

/** The rows of the lease that are not done yet, in the order of the plan. The first are read when it answers. */
export async function openShardRows({ objects, planKey, input }: RowSource, lease: ShardLease): Promise<readonly UnreadRow[]> {
  const plan = await objects.read(planKey, {
    start: lease.first * PLAN_ENTRY_BYTES,
    end: (lease.first + lease.count) * PLAN_ENTRY_BYTES,
  });
  const rows = decodePlan(plan)
    .map((row, index) => ({ ...row, position: lease.first + index }))
    .filter(({ position }) => !hasPosition(lease.done, position));
  const slices: Slice[] = [];
  for (const placed of [...toSlices(rows)].toReversed()) slices.unshift(new Slice(input, placed, slices[0]));
  await slices[0]?.load();
  return slices.flatMap((slice) => slice.rows);
}

/** Rows that are read together, with the first that is asked for; the next slice is read then, too. */
class Slice {
  readonly rows: readonly UnreadRow[];
  readonly #input: Input;
  readonly #placed: readonly PlacedRow[];
  readonly #next: Slice | undefined;
  #lines: Promise<readonly ReadableRow[]> | undefined;
  #left: number;

  constructor(input: Input, placed: readonly PlacedRow[], next: Slice | undefined) {
    this.#input = input;
    this.#placed = placed;
    this.#next = next;
    this.#left = placed.length;
    this.rows = placed.map((_, place) => ({ read: () => this.#read(place) }));
  }

  async load(): Promise<void> {
    if (this.#left > 0) await this.#begin();
  }

  async #read(place: number): Promise<ReadableRow> {
    const lines = this.#begin();
    this.#left -= 1;
    // Nobody asks for it again, and other slices of the shard may be long in coming.
    if (this.#left === 0) this.#lines = undefined;
    // Told to those who read from it.
    this.#next?.load().catch(() => undefined);
    const line = (await lines)[place];
    if (line === undefined) throw new Error('A slice of rows was read without one of them.');
    return line;
  }

  #begin(): Promise<readonly ReadableRow[]> {
    if (this.#lines !== undefined) return this.#lines;
    const lines = readSlice(this.#input, this.#placed);
    this.#lines = lines;
    // What was read too early may be there later.
    lines.catch(() => {
      if (this.#lines === lines) this.#lines = undefined;
    });
    return lines;
  }
}
