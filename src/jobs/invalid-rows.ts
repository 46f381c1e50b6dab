/** Which rows can't run, in 8 bytes each; why, is found again from their lines. */
import { makeUint32Column, reserve } from './column.ts';

/** One of them. */
export interface InvalidRow {
  readonly row: number;
  /** The row that has its `custom_id` already, when that is what is wrong. */
  readonly sameIdAs?: number;
}

export class InvalidRows {
  #count = 0;
  readonly #rows = makeUint32Column();
  /** Row number plus one; 0 means none. */
  readonly #sameIds = makeUint32Column();

  get count(): number {
    return this.#count;
  }

  add(row: number, sameIdAs?: number): void {
    reserve(this.#rows, this.#count);
    reserve(this.#sameIds, this.#count);
    this.#rows[this.#count] = row;
    if (sameIdAs !== undefined) this.#sameIds[this.#count] = sameIdAs + 1;
    this.#count += 1;
  }

  /** In the order in which they were found: first those whose lines are bad, then those whose ids are taken. */
  *[Symbol.iterator](): Generator<InvalidRow> {
    for (let at = 0; at < this.#count; at += 1) {
      const row = this.#rows[at] ?? 0;
      const sameId = this.#sameIds[at] ?? 0;
      yield sameId === 0 ? { row } : { row, sameIdAs: sameId - 1 };
    }
  }

  /** A function that says of a row whether it is one of them. */
  toTest(rowCount: number): (row: number) => boolean {
    if (this.#count === 0) return () => false;
    const isInvalid = new Uint8Array(rowCount);
    for (const { row } of this) isInvalid[row] = 1;
    return (row) => isInvalid[row] === 1;
  }
}
