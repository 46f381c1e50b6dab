/** Entries of several tables, taken out in the order of their rows: a heap of tables, the one with the lowest row on top. */
import { Problem } from '../base/problem.ts';
import type { EntryTable } from '../jobs/entry-table.ts';
import { ENTRY_HEADER_BYTES } from '../jobs/part-entries.ts';
import type { Hand } from './deal-entries.ts';
import { type Slice, SliceWriter } from './slices.ts';

/** What is left of a table. */
interface Run {
  readonly table: EntryTable;
  /** Places, by their rows. */
  readonly order: Uint32Array;
  at: number;
  /** Of the entry that is next. */
  row: number;
}

export class RowWindow {
  readonly #runs: Run[] = [];
  readonly #writers = { success: new SliceWriter('success'), failure: new SliceWriter('failure') };
  /** The row to go on with: all that were taken are below it. */
  next = 0;
  /** Of the tables that are held. */
  bytes = 0;
  /** Of the lines that were taken. */
  taken = 0;

  add({ table, places }: Hand): void {
    const order = inRowOrder(table, places);
    const [first] = order;
    if (first === undefined) return;
    this.bytes += table.bytes.length;
    this.#runs.push({ table, order, at: 0, row: table.row(first) });
    this.#raiseLast();
  }

  /** The rows that follow each other without a gap from the next one on: nothing that is added later comes before them. */
  *takeReady(): Generator<Slice> {
    for (let run = this.#runs[0]; run !== undefined && run.row <= this.next; run = this.#runs[0]) yield* this.#takeFrom(run);
  }

  /** All that is there, in order, and to the last line. */
  *takeAll(): Generator<Slice> {
    for (let run = this.#runs[0]; run !== undefined; run = this.#runs[0]) {
      this.next = Math.max(this.next, run.row);
      yield* this.#takeFrom(run);
    }
    yield* this.flush();
  }

  /** Lines that were taken and wait for more to go with. */
  *flush(): Generator<Slice> {
    for (const writer of [this.#writers.success, this.#writers.failure]) {
      const slice = writer.take();
      if (slice !== undefined) yield slice;
    }
  }

  /** Gives away what is still there. */
  *giveAway(): Generator<Hand> {
    this.bytes = 0;
    for (let run = this.#runs.pop(); run !== undefined; run = this.#runs.pop())
      yield { table: run.table, places: run.order.subarray(run.at) };
  }

  /** The lines of the top run as long as each is next. */
  *#takeFrom(run: Run): Generator<Slice> {
    const { table, order } = run;
    for (; run.at < order.length && run.row <= this.next; run.row = table.row(order[run.at] ?? 0)) {
      if (run.row < this.next) throw thereTwice(run.row);
      const place = order[run.at++] ?? 0;
      this.next = run.row + 1;
      this.taken += table.end(place) - table.start(place) - ENTRY_HEADER_BYTES;
      const full = this.#writers[table.kind(place)].add(table, place);
      if (full !== undefined) yield full;
      if (run.at === order.length) break;
    }
    if (run.at === order.length) this.#drop(run);
    this.#sinkFirst();
  }

  #drop(run: Run): void {
    this.bytes -= run.table.bytes.length;
    const last = this.#runs.pop();
    if (last !== undefined && last !== run) this.#runs[0] = last;
  }

  #raiseLast(): void {
    for (let at = this.#runs.length - 1; at > 0; ) {
      const parent = (at - 1) >>> 1;
      if (this.#rowAt(parent) <= this.#rowAt(at)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sinkFirst(): void {
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const lower = this.#rowAt(left + 1) < this.#rowAt(left) ? left + 1 : left;
      if (this.#rowAt(at) <= this.#rowAt(lower)) return;
      this.#swap(at, lower);
      at = lower;
    }
  }

  #rowAt(at: number): number {
    return this.#runs[at]?.row ?? Number.POSITIVE_INFINITY;
  }

  #swap(one: number, other: number): void {
    const [first, second] = [this.#runs[one], this.#runs[other]];
    if (first !== undefined && second !== undefined) [this.#runs[one], this.#runs[other]] = [second, first];
  }
}

/** All before the next one are written already. */
const thereTwice = (row: number): Problem =>
  new Problem('DATA_LOSS', `Line ${row + 1} of the input should have one result, and two were committed. Please report it.`, {
    reason: 'PART_CORRUPT',
    details: { row },
  });

/** The places, by their rows. */
function inRowOrder(table: EntryTable, places: Iterable<number>): Uint32Array {
  const order = Uint32Array.from([...places]);
  const count = order.length;
  // Row and index in one number, which stays exact: rows have 32 bits, and no table that fits into memory has 2^21 entries.
  const keys = new Float64Array(count);
  for (let at = 0; at < count; at++) keys[at] = table.row(order[at] ?? 0) * count + at;
  keys.sort();
  const sorted = new Uint32Array(count);
  for (let at = 0; at < count; at++) sorted[at] = order[(keys[at] ?? 0) % count] ?? 0;
  return sorted;
}
