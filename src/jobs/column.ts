/**
 * Columns of numbers that grow in place: memory is set aside as addresses only, pages are taken as they are written, and given back at once.
 * A column that is copied to grow would cost twice its size, and touch the pages that nobody wrote to.
 */
import { Problem } from '../base/problem.ts';

/** A dataset of so many rows has gigabytes; what planning keeps of it takes some more. */
const MAX_ROWS = 2 ** 26;
const STEP_ROWS = 2 ** 16;

export type Uint32Column = Uint32Array<ArrayBuffer>;
export type Float64Column = Float64Array<ArrayBuffer>;

/** An empty column of whole numbers below 2³². */
export const makeUint32Column = (): Uint32Column => new Uint32Array(new ArrayBuffer(0, { maxByteLength: MAX_ROWS * 4 }));

/** An empty column of doubles. */
export const makeFloat64Column = (): Float64Column => new Float64Array(new ArrayBuffer(0, { maxByteLength: MAX_ROWS * 8 }));

/** Makes room for a value at `index`; new values are 0. */
export function reserve(column: Uint32Column | Float64Column, index: number): void {
  if (index < column.length) return;
  if (index >= MAX_ROWS) {
    throw new Problem(
      'RESOURCE_EXHAUSTED',
      `A dataset can have at most ${MAX_ROWS} rows. Split the file into several datasets.`,
      {
        reason: 'TOO_MANY_ROWS',
      },
    );
  }
  column.buffer.resize(Math.min(MAX_ROWS, index + STEP_ROWS) * column.BYTES_PER_ELEMENT);
}

/** Gives the memory back without waiting for the garbage collector. Views of the column become empty. */
export function release(column: Uint32Column | Float64Column): void {
  column.buffer.resize(0);
}
