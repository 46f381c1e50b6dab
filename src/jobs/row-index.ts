/** What planning keeps of every row: at most 56 bytes, and less for short prompts, whose upper ladder steps are never touched, where all rows have one model, and where none has images. */

import { makeFloat64Column, makeUint32Column, reserve, type Uint32Column } from './column.ts';

/** Steps of the prefix ladder: after 64, 128, … 8192 bytes of the prompt. */
export const LADDER_STEPS = 8;

/** What a token is taken for where nobody counts. */
export const BYTES_PER_TOKEN = 4;

/** Columns by row number, from 0. */
export interface RowIndex {
  readonly count: number;
  /** Where the row's line begins in the file. */
  readonly offset: Float64Array;
  /** Bytes of its line, without the line end. */
  readonly length: Uint32Array;
  /** One column per step: equal values mean equal prompts up to there; 0 means that the prompt is shorter. */
  readonly ladder: readonly Uint32Array[];
  /** What the row asks for; 0 when it doesn't say. */
  readonly maxTokens: Uint32Array;
  /** The number of the row's model among those that the job's rows name. */
  readonly model: Uint32Array;
  /** All numbers of models are below this one. */
  readonly models: number;
  /** Bytes of all prompts, as they are written in the file. */
  readonly promptBytes: number;
  /** Bytes of its prompt that are images and the like, which nobody can count by their length; undefined where no row has any, and shorter than other columns. */
  readonly media: Uint32Array | undefined;
  /** About how many tokens the prompts are: a quarter of the bytes of their text. */
  readonly estimatedTokens: number;
}

/** One row as it is added. */
export interface IndexedRow {
  readonly offset: number;
  readonly length: number;
  readonly ladder: Uint32Array;
  readonly maxTokens: number;
  readonly model: number;
  readonly promptBytes: number;
  readonly mediaBytes: number;
}

/** How many bytes of a row's line can be text of its prompt. */
export const textLength = ({ length, media }: RowIndex, row: number): number => (length[row] ?? 0) - (media?.[row] ?? 0);

/** Collects rows in input order. */
export class RowIndexBuilder {
  #count = 0;
  #promptBytes = 0;
  #mediaBytes = 0;
  #media: Uint32Column | undefined;
  #models = 1;
  readonly #offset = makeFloat64Column();
  readonly #length = makeUint32Column();
  readonly #maxTokens = makeUint32Column();
  readonly #model = makeUint32Column();
  readonly #ladder = Array.from({ length: LADDER_STEPS }, makeUint32Column);

  get count(): number {
    return this.#count;
  }

  add({ offset, length, ladder, maxTokens, model, promptBytes, mediaBytes }: IndexedRow): void {
    const row = this.#count++;
    if (row === this.#offset.length) this.#grow(row);
    this.#promptBytes += promptBytes;
    this.#offset[row] = offset;
    this.#length[row] = length;
    // Zeros are there already, and writing them would take memory.
    if (maxTokens !== 0) this.#maxTokens[row] = maxTokens;
    if (model !== 0) this.#model[row] = model;
    if (mediaBytes !== 0) this.#addMedia(row, mediaBytes);
    if (model >= this.#models) this.#models = model + 1;
    for (let step = 0; step < LADDER_STEPS; step++) {
      const value = ladder[step];
      const column = this.#ladder[step];
      if (column === undefined || value === undefined || value === 0) break;
      column[row] = value;
    }
  }

  finish(): RowIndex {
    return {
      count: this.#count,
      offset: this.#offset.subarray(0, this.#count),
      length: this.#length.subarray(0, this.#count),
      ladder: this.#ladder.map((column) => column.subarray(0, this.#count)),
      maxTokens: this.#maxTokens.subarray(0, this.#count),
      model: this.#model.subarray(0, this.#count),
      models: this.#models,
      promptBytes: this.#promptBytes,
      media: this.#media?.subarray(0, this.#count),
      estimatedTokens: Math.ceil((this.#promptBytes - this.#mediaBytes) / BYTES_PER_TOKEN),
    };
  }

  #addMedia(row: number, bytes: number): void {
    this.#media ??= makeUint32Column();
    reserve(this.#media, row);
    this.#media[row] = bytes;
    this.#mediaBytes += bytes;
  }

  #grow(row: number): void {
    for (const column of [this.#offset, this.#length, this.#maxTokens, this.#model, ...this.#ladder]) reserve(column, row);
  }
}
