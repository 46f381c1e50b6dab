/** Lines that can't run, as values. */

/** What is wrong with one row, and where in its line. */
export interface RowFault {
  /** Index of the byte in the line; absent when the whole line is meant. */
  readonly at?: number;
  /** Stable, for programs: `MISSING_CUSTOM_ID`. */
  readonly reason: string;
  /** The cause, in words. */
  readonly message: string;
  /** What to do; the same words for every line with this reason, so that lines can be grouped by it. */
  readonly remedy: string;
}

/** A bad line as people and reports see it. */
export interface BadLine {
  /** Which of the input's files; absent when there is one. */
  readonly file?: string;
  /** From 1 in its file, blank lines included. */
  readonly line: number;
  /** In characters, from 1; absent when the whole line is meant. */
  readonly column?: number;
  readonly reason: string;
  readonly message: string;
  readonly remedy: string;
}

/** The column counts characters, as editors do. */
function toBadLine(line: number, bytes: Buffer, { at, reason, message, remedy }: RowFault): BadLine {
  const column = at === undefined ? {} : { column: bytes.toString('utf8', 0, at).length + 1 };
  return { line, ...column, reason, message, remedy };
}

/** Counts all bad lines and keeps the first of them. */
export class BadLines {
  count = 0;
  readonly #max: number;
  readonly #kept: BadLine[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  /** False once no more are kept, only counted. */
  get hasRoom(): boolean {
    return this.#kept.length < this.#max;
  }

  add(line: number, bytes: Buffer, fault: RowFault): void {
    this.count++;
    if (this.hasRoom) this.#kept.push(toBadLine(line, bytes, fault));
  }

  get kept(): readonly BadLine[] {
    return this.#kept;
  }
}
