/** What planning keeps of every row: at most 48 bytes, and less for short prompts, whose upper ladder steps are never touched. */

/** Steps of the prefix ladder: after 64, 128, … 8192 bytes of the prompt. */
export const LADDER_STEPS = 8;

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
  /** Bytes of all prompts, as they are written in the file. */
  readonly promptBytes: number;
  /** About how many tokens the prompts are: a quarter of their bytes. */
  readonly estimatedTokens: number;
}

/** One row as it is added. */
export interface IndexedRow {
  readonly offset: number;
  readonly length: number;
  readonly ladder: Uint32Array;
  readonly maxTokens: number;
  readonly promptBytes: number;
}

const FIRST_CAPACITY = 4096;

/** Collects rows in input order. Growing moves pages instead of copying them, and pages that hold nothing take no memory. */
export class RowIndexBuilder {
  #count = 0;
  #promptBytes = 0;
  #capacity = FIRST_CAPACITY;
  #offset = new Float64Array(FIRST_CAPACITY);
  #length = new Uint32Array(FIRST_CAPACITY);
  #maxTokens = new Uint32Array(FIRST_CAPACITY);
  #ladder = Array.from({ length: LADDER_STEPS }, () => new Uint32Array(FIRST_CAPACITY));

  get count(): number {
    return this.#count;
  }

  add({ offset, length, ladder, maxTokens, promptBytes }: IndexedRow): void {
    if (this.#count === this.#capacity) this.#grow();
    const row = this.#count++;
    this.#promptBytes += promptBytes;
    this.#offset[row] = offset;
    this.#length[row] = length;
    if (maxTokens !== 0) this.#maxTokens[row] = maxTokens;
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
      promptBytes: this.#promptBytes,
      estimatedTokens: Math.ceil(this.#promptBytes / 4),
    };
  }

  #grow(): void {
    this.#capacity *= 2;
    this.#offset = new Float64Array(this.#offset.buffer.transfer(this.#capacity * 8));
    this.#length = growUint32(this.#length, this.#capacity);
    this.#maxTokens = growUint32(this.#maxTokens, this.#capacity);
    this.#ladder = this.#ladder.map((column) => growUint32(column, this.#capacity));
  }
}

const growUint32 = (column: Uint32Array<ArrayBuffer>, capacity: number): Uint32Array<ArrayBuffer> =>
  new Uint32Array(column.buffer.transfer(capacity * 4));
