import { makeUint32Column, reserve } from './column.ts';

/** Line numbers by row number, kept only where blank lines change the distance between the two. */
export class LineNumbers {
  #count = 0;
  readonly #rows = makeUint32Column();
  readonly #distances = makeUint32Column();

  /** Rows have to come in order. */
  add(row: number, line: number): void {
    const distance = line - row;
    if (this.#count > 0 && this.#distances[this.#count - 1] === distance) return;
    reserve(this.#rows, this.#count);
    reserve(this.#distances, this.#count);
    this.#rows[this.#count] = row;
    this.#distances[this.#count++] = distance;
  }

  /** The line of a row that was added. */
  lineOf(row: number): number {
    let low = 0;
    let high = this.#count - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#rows[middle] ?? 0) <= row) low = middle;
      else high = middle - 1;
    }
    return row + (this.#distances[low] ?? 0);
  }
}
