/**
 * Finds rows that share an id, in 8 bytes a row: a seeded 53-bit fingerprint of each id goes into a column, which is sorted once at the end.
 * Fingerprints that come twice are suspects; the real bytes, read back from the file, decide.
 */
import { randomBytes } from 'node:crypto';
import { BACKSLASH } from '../jsonl/ascii.ts';
import type { Span } from '../jsonl/scan-object.ts';
import { tokenText } from '../jsonl/string-token.ts';
import { type Float64Column, makeFloat64Column, release, reserve } from './column.ts';

/** A row whose id an earlier row has as well. */
export interface Repeat {
  readonly row: number;
  readonly firstRow: number;
}

export class IdFingerprints {
  #count = 0;
  readonly #column = makeFloat64Column();
  readonly #seedA = randomBytes(4).readUInt32LE();
  readonly #seedB = randomBytes(4).readUInt32LE();

  /** Adds the next row, by the place of its id's string token in its line. A bad row can be a first one, but is no suspect. */
  add(line: Buffer, id: Span, isBad: boolean): void {
    const fingerprint = this.#fingerprint(line, id.start + 1, id.end - 1);
    this.#push(isBad ? -fingerprint : fingerprint);
  }

  /** Adds the next row, which has no good id. */
  addNone(): void {
    this.#push(Number.NaN);
  }

  #push(value: number): void {
    if (this.#count === this.#column.length) reserve(this.#column, this.#count);
    this.#column[this.#count++] = value;
  }

  /** Gives the memory back; there are no rows any more. */
  release(): void {
    this.#count = 0;
    release(this.#column);
  }

  /** Suspects in the order of their rows: all but the first of those with one fingerprint. */
  *suspects(): Generator<Repeat> {
    const sorted = makeFloat64Column();
    const repeated = this.#sortRepeated(sorted);
    if (repeated.length === 0) {
      release(sorted);
      return;
    }
    const firstRows = new Int32Array(repeated.length).fill(-1);
    for (let row = 0; row < this.#count; row++) {
      const value = this.#column[row] ?? Number.NaN;
      const at = indexOfSorted(repeated, Math.abs(value));
      const firstRow = firstRows[at];
      if (firstRow === -1) firstRows[at] = row;
      else if (firstRow !== undefined && value > 0) yield { row, firstRow };
    }
  }

  #sortRepeated(sorted: Float64Column): Float64Array {
    reserve(sorted, this.#count);
    for (let row = 0; row < this.#count; row++) sorted[row] = Math.abs(this.#column[row] ?? Number.NaN);
    return repeatedValues(sorted.subarray(0, this.#count));
  }

  /** Two ids that are written differently but mean the same have the same fingerprint. */
  #fingerprint(line: Buffer, start: number, end: number): number {
    if (!hasEscape(line, start, end)) return this.#hash(line, start, end);
    const plain = Buffer.from(tokenText(line.subarray(start - 1, end + 1)));
    return this.#hash(plain, 0, plain.length);
  }

  #hash(bytes: Buffer, start: number, end: number): number {
    let a = this.#seedA;
    let b = this.#seedB;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] ?? 0;
      a = Math.imul(a ^ byte, 0x9e3779b1);
      b = Math.imul(b ^ byte, 0x5f356495);
      a ^= a >>> 15;
      b ^= b >>> 13;
    }
    return (mix(a) & 0x1f_ffff) * 0x1_0000_0000 + (mix(b) >>> 0);
  }
}

function hasEscape(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === BACKSLASH) return true;
  return false;
}

/** Spreads every bit over all others. */
function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** The values that are there more than once, sorted, once each. Sorts in place; NaN is no value. */
function repeatedValues(values: Float64Array): Float64Array {
  values.sort();
  let count = 0;
  for (let at = 1; at < values.length; at++) {
    const value = values[at] ?? Number.NaN;
    if (value === values[at - 1] && (count === 0 || values[count - 1] !== value)) values[count++] = value;
  }
  return values.subarray(0, count);
}

/** Where a value is in a sorted column; -1 when it isn't. */
function indexOfSorted(values: Float64Array, value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return values[low] === value ? low : -1;
}
