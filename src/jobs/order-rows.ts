/**
 * The order in which a job's rows run: depth-first through the tree of their prompts' prefixes, so that an engine's prefix cache meets the rows
 * that share one while it holds it. Rows and groups that share nothing stay in input order. Rows of one model stay together.
 */
import { sharedBytes } from './prefix-ladder.ts';
import type { RowIndex } from './row-index.ts';

export interface ChosenOrder {
  /** Planned position → row number, of the rows that are included. */
  readonly order: Uint32Array;
  readonly by: 'prefix' | 'input';
  /** What `expectedSharedShare` says of the two orders. */
  readonly shares: Readonly<Record<'prefix' | 'input', number>>;
}

/** Less of the prompts than this is not worth another order: reading the input, and putting answers back into its order, is fastest as it comes. */
const WORTH_IT = 0.01;

/** By prefix where engines' caches gain by it, else as the rows come. */
export function chooseOrder(index: RowIndex, include: (row: number) => boolean = () => true): ChosenOrder {
  const asTheyCome = inputOrder(index, include);
  const input = expectedSharedShare(index, asTheyCome);
  const order = orderRows(index, include);
  const prefix = expectedSharedShare(index, order);
  const shares = { prefix, input };
  return prefix - input < WORTH_IT ? { order: asTheyCome, by: 'input', shares } : { order, by: 'prefix', shares };
}

/** Planned position → row number, of the rows that are included. Larger `max_tokens` come first where prompts agree on every step. */
export function orderRows(index: RowIndex, include: (row: number) => boolean = () => true): Uint32Array {
  const order = includedRows(index, include);
  const sorter = new RowSorter(index, order);
  for (const group of groupByModel(index, order)) sorter.sortFrom(0, group);
  return order;
}

/** As `orderRows`, but rows of one model stay as they come. */
function inputOrder(index: RowIndex, include: (row: number) => boolean): Uint32Array {
  const order = includedRows(index, include);
  groupByModel(index, order);
  return order;
}

function includedRows(index: RowIndex, include: (row: number) => boolean): Uint32Array {
  const rows = new Uint32Array(index.count);
  let count = 0;
  for (let row = 0; row < index.count; row++) if (include(row)) rows[count++] = row;
  return rows.subarray(0, count);
}

/** Puts rows of one model together, in input order, the models by their numbers. */
function groupByModel({ model, models }: RowIndex, order: Uint32Array): readonly Group[] {
  if (models < 2) return [{ first: 0, end: order.length }];
  const next = new Uint32Array(models + 1);
  for (const row of order) add(next, (model[row] ?? 0) + 1, 1);
  for (let number = 0; number < models; number++) add(next, number + 1, next[number] ?? 0);
  for (const row of order.slice()) order[add(next, model[row] ?? 0, 1) - 1] = row;
  return Array.from({ length: models }, (_, number) => ({ first: next[number - 1] ?? 0, end: next[number] ?? 0 }));
}

const add = (numbers: Uint32Array, at: number, by: number): number => {
  const sum = (numbers[at] ?? 0) + by;
  numbers[at] = sum;
  return sum;
};

/** How many ladder steps two rows agree on. */
export function sharedSteps({ ladder }: RowIndex, rowA: number, rowB: number): number {
  let steps = 0;
  for (const column of ladder) {
    const value = column[rowA];
    if (value === 0 || value !== column[rowB]) break;
    steps++;
  }
  return steps;
}

/**
 * The share of prompt bytes, from 0 to 1, that a row finds in a cache which holds its predecessor. At least: what two prompts share
 * between two steps of the ladder is not seen.
 */
export function expectedSharedShare(index: RowIndex, order: Uint32Array): number {
  let shared = 0;
  let lineBytes = 0;
  for (let position = 0; position < order.length; position++) {
    const row = order[position] ?? 0;
    lineBytes += index.length[row] ?? 0;
    if (position > 0) shared += sharedBytes(sharedSteps(index, order[position - 1] ?? 0, row));
  }
  const allBytes = index.length.reduce((sum, bytes) => sum + bytes, 0);
  const promptBytes = allBytes === 0 ? 0 : index.promptBytes * (lineBytes / allBytes);
  return promptBytes === 0 ? 0 : Math.min(1, shared / promptBytes);
}

interface Group {
  readonly first: number;
  readonly end: number;
}

/**
 * Sorts one ladder step at a time. The keys of a group are pairs of 32-bit words that a native sort sees as one 64-bit number: what is sorted by
 * above, the row below, so that ties stay in input order. Needs a little-endian machine, as every platform of Node but one is.
 */
class RowSorter {
  readonly #index: RowIndex;
  readonly #rows: Uint32Array;
  readonly #keys: BigUint64Array;
  readonly #words: Uint32Array;

  constructor(index: RowIndex, rows: Uint32Array) {
    this.#index = index;
    this.#rows = rows;
    this.#keys = new BigUint64Array(rows.length);
    this.#words = new Uint32Array(this.#keys.buffer);
  }

  /** Sorts rows that agree on all steps before this one and are in input order. */
  sortFrom(step: number, group: Group): void {
    if (group.end - group.first < 2) return;
    const column = this.#index.ladder[step];
    if (column === undefined) this.#sortByMaxTokens(group);
    else if (!this.#isUniform(column, group)) this.#sortByStep(column, step, group);
    else if (column[this.#rows[group.first] ?? 0] !== 0) this.sortFrom(step + 1, group);
    else if (step > 0) this.#sortByMaxTokens(group);
  }

  #sortByStep(column: Uint32Array, step: number, group: Group): void {
    this.#sortKeys(group, (row) => column[row] ?? 0);
    if (!this.#rankByFirstRow(step, group)) return;
    this.#keys.subarray(group.first, group.end).sort();
    this.#takeRows(group);
    for (let first = group.first; first < group.end; ) {
      const end = this.#groupEnd(first, group.end);
      this.sortFrom(step + 1, { first, end });
      first = end;
    }
  }

  /** Where several rows agree on everything, the longest answers start first, so that none of them is the job's tail. */
  #sortByMaxTokens(group: Group): void {
    const { maxTokens } = this.#index;
    if (this.#isUniform(maxTokens, group)) return;
    this.#sortKeys(group, (row) => ~(maxTokens[row] ?? 0));
    this.#takeRows(group);
  }

  /**
   * Replaces the hashes above by the first row that has them: groups follow each other as they begin in the input. Prompts that end before
   * the first step share nothing and stay alone. False when all rows do.
   */
  #rankByFirstRow(step: number, { first, end }: Group): boolean {
    let hasGroups = false;
    for (let from = first; from < end; ) {
      const to = this.#groupEnd(from, end);
      const isAlone = step === 0 && this.#words[2 * from + 1] === 0;
      const firstRow = this.#words[2 * from] ?? 0;
      for (let at = from; at < to; at++) this.#words[2 * at + 1] = isAlone ? (this.#words[2 * at] ?? 0) : firstRow;
      hasGroups ||= !isAlone && to - from > 1;
      from = to;
    }
    return hasGroups;
  }

  #isUniform(column: Uint32Array, { first, end }: Group): boolean {
    const value = column[this.#rows[first] ?? 0];
    for (let at = first + 1; at < end; at++) if (column[this.#rows[at] ?? 0] !== value) return false;
    return true;
  }

  #sortKeys({ first, end }: Group, above: (row: number) => number): void {
    for (let at = first; at < end; at++) {
      const row = this.#rows[at] ?? 0;
      this.#words[2 * at] = row;
      this.#words[2 * at + 1] = above(row);
    }
    this.#keys.subarray(first, end).sort();
  }

  #takeRows({ first, end }: Group): void {
    for (let at = first; at < end; at++) this.#rows[at] = this.#words[2 * at] ?? 0;
  }

  /** The end of the run of keys with the same word above. */
  #groupEnd(first: number, end: number): number {
    const above = this.#words[2 * first + 1];
    let at = first + 1;
    while (at < end && this.#words[2 * at + 1] === above) at++;
    return at;
  }
}
