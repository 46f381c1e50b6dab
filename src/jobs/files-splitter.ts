/** Several files as one input: offsets and line numbers go on from file to file, and no line reaches over a border. */
import { type Line, LineSplitter, type SplitOptions } from '../jsonl/split-lines.ts';

/** One of the files, in their order. */
export interface InputFile {
  readonly name: string;
  readonly bytes: number;
}

/** Where a line is, for people. */
export interface LinePlace {
  /** Absent when the input is one file. */
  readonly file?: string;
  /** From 1, in that file. */
  readonly line: number;
}

interface Begun {
  readonly name: string;
  /** Lines of the files before it. */
  readonly linesBefore: number;
  readonly bytesBefore: number;
  readonly splitter: LineSplitter;
}

/** Pushed the bytes of all files one after the other, it gives their lines. Without files it takes all for one. */
export class FilesSplitter {
  readonly #options: SplitOptions;
  readonly #waiting: InputFile[];
  readonly #begun: Begun[] = [];
  #current: Begun;
  #left: number;

  constructor(files: readonly InputFile[] = [], options: SplitOptions = {}) {
    this.#options = options;
    const [first = { name: '', bytes: Number.POSITIVE_INFINITY }, ...others] = files;
    this.#waiting = others;
    this.#left = first.bytes;
    this.#current = this.#begin(first.name);
  }

  get bytes(): number {
    return this.#current.bytesBefore + this.#current.splitter.bytes;
  }

  /** Blank ones included. */
  get lines(): number {
    return this.#current.linesBefore + this.#current.splitter.lines;
  }

  get blankLines(): number {
    return this.#begun.reduce((sum, { splitter }) => sum + splitter.blankLines, 0);
  }

  /** The lines that end in this chunk. */
  *push(chunk: Uint8Array): Generator<Line> {
    let rest = chunk;
    for (let next = this.#waiting[0]; next !== undefined && rest.length >= this.#left; next = this.#waiting[0]) {
      yield* this.#shift(this.#current.splitter.push(rest.subarray(0, this.#left)));
      yield* this.end();
      rest = rest.subarray(this.#left);
      this.#waiting.shift();
      this.#left = next.bytes;
      this.#current = this.#begin(next.name);
    }
    yield* this.#shift(this.#current.splitter.push(rest));
    this.#left -= rest.length;
  }

  /** The line that the last file ends with, if it has no line end. */
  end(): readonly Line[] {
    return this.#shift(this.#current.splitter.end());
  }

  /** Where a line of ours is in its file. */
  placeOf(line: number): LinePlace {
    const file = this.#begun.findLast(({ linesBefore }) => linesBefore < line) ?? this.#current;
    return this.#begun.length === 1 && this.#waiting.length === 0 ? { line } : { file: file.name, line: line - file.linesBefore };
  }

  #begin(name: string): Begun {
    const before = this.#begun.at(-1);
    const file = {
      name,
      linesBefore: before === undefined ? 0 : this.lines,
      bytesBefore: before === undefined ? 0 : this.bytes,
      splitter: new LineSplitter(this.#options),
    };
    this.#begun.push(file);
    return file;
  }

  #shift(lines: readonly Line[]): readonly Line[] {
    const { linesBefore, bytesBefore } = this.#current;
    if (bytesBefore === 0) return lines;
    return lines.map((line) => ({ ...line, number: line.number + linesBefore, offset: line.offset + bytesBefore }));
  }
}
