/** Cuts a file's chunks into lines, as an editor counts them, with the place of each in the file. */
import { isUtf8 } from 'node:buffer';
import { CARRIAGE_RETURN, isSpace, LINE_FEED } from './ascii.ts';

export interface Line {
  /** From 1, blank lines included. */
  readonly number: number;
  /** Where the line begins in the file. */
  readonly offset: number;
  /** Without its line end; often a view of the chunk, so copy what must live on. Empty when the line is too long. */
  readonly bytes: Buffer;
  /** What keeps the bytes from being looked at. */
  readonly fault?: 'too-long' | 'not-utf8';
}

export interface SplitOptions {
  /** A longer line is reported as `too-long` and never held in memory. */
  readonly maxLineBytes?: number;
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const DEFAULT_MAX_LINE_BYTES = 16 * 1024 * 1024;

/**
 * Push chunks, get lines. A byte order mark at the start is dropped, LF and CRLF both end a line, lines of whitespace only are
 * counted and left out, and the last line needs no end.
 */
export class LineSplitter {
  /** Bytes pushed so far. */
  bytes = 0;
  /** Lines begun and ended so far, blank ones included. */
  lines = 0;
  blankLines = 0;
  readonly #maxLineBytes: number;
  /** The line that is not yet ended, in pieces; empty once it is too long. */
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  #lineOffset = 0;

  constructor({ maxLineBytes = DEFAULT_MAX_LINE_BYTES }: SplitOptions = {}) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** The lines that end in this chunk. */
  push(chunk: Uint8Array): readonly Line[] {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const lines: Line[] = [];
    const first = bytes.indexOf(LINE_FEED);
    this.bytes += bytes.length;
    if (first === -1) {
      this.#keep(bytes);
      return lines;
    }
    this.#keep(bytes.subarray(0, first));
    this.#endLine(lines, 1);
    const last = bytes.lastIndexOf(LINE_FEED);
    this.#cut(bytes.subarray(first + 1, last + 1), lines);
    this.#keep(bytes.subarray(last + 1));
    return lines;
  }

  /** The line that the file ends with, if it has no line end. */
  end(): readonly Line[] {
    const lines: Line[] = [];
    if (this.#pieceBytes > 0) this.#endLine(lines, 0);
    return lines;
  }

  /** Cuts a block of whole lines. */
  #cut(block: Buffer, lines: Line[]): void {
    const valid = isUtf8(block);
    let start = 0;
    while (start < block.length) {
      const end = block.indexOf(LINE_FEED, start);
      this.#add(lines, block.subarray(start, end), valid);
      this.#lineOffset += end + 1 - start;
      start = end + 1;
    }
  }

  #keep(piece: Buffer): void {
    this.#pieceBytes += piece.length;
    if (this.#pieceBytes > this.#maxLineBytes + BYTE_ORDER_MARK.length) this.#pieces = [];
    else if (piece.length > 0) this.#pieces.push(piece);
  }

  #endLine(lines: Line[], endBytes: number): void {
    const bytes = this.#pieces.length === 1 ? (this.#pieces[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#pieces);
    const nextOffset = this.#lineOffset + this.#pieceBytes + endBytes;
    if (bytes.length < this.#pieceBytes) this.#addTooLong(lines);
    else this.#add(lines, this.#withoutMark(bytes), isUtf8(bytes));
    this.#pieces = [];
    this.#pieceBytes = 0;
    this.#lineOffset = nextOffset;
  }

  #withoutMark(bytes: Buffer): Buffer {
    const hasMark = this.#lineOffset === 0 && bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
    if (hasMark) this.#lineOffset = BYTE_ORDER_MARK.length;
    return hasMark ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes;
  }

  #add(lines: Line[], raw: Buffer, valid: boolean): void {
    const bytes = raw[raw.length - 1] === CARRIAGE_RETURN ? raw.subarray(0, raw.length - 1) : raw;
    if (bytes.length > this.#maxLineBytes) {
      this.#addTooLong(lines);
      return;
    }
    const number = ++this.lines;
    if (isBlank(bytes)) this.blankLines++;
    else if (valid || isUtf8(bytes)) lines.push({ number, offset: this.#lineOffset, bytes });
    else lines.push({ number, offset: this.#lineOffset, bytes, fault: 'not-utf8' });
  }

  #addTooLong(lines: Line[]): void {
    lines.push({ number: ++this.lines, offset: this.#lineOffset, bytes: Buffer.alloc(0), fault: 'too-long' });
  }
}

/** The lines of a stream, in batches as its chunks come; pass a splitter to read its counts. */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  splitter: LineSplitter = new LineSplitter(),
): AsyncGenerator<readonly Line[]> {
  for await (const chunk of chunks) yield splitter.push(chunk);
  yield splitter.end();
}

/** True for an empty line and for one of whitespace only. */
function isBlank(bytes: Buffer): boolean {
  let at = 0;
  while (isSpace(bytes[at])) at++;
  return at === bytes.length;
}
