/**
 * Walks through one JSON text in a Buffer without building anything: every byte is looked at once, and checked.
 * It accepts exactly what `JSON.parse` accepts (given that the bytes are UTF-8), up to a nesting of {@link MAX_DEPTH}.
 *
 *     for (let more = cursor.enterObject(); more; more = cursor.nextMember()) {
 *       if (cursor.keyIn(WORDS)) …       // the cursor stands at the member's value
 *       cursor.skipValue();              // whoever looks at a value must also pass it
 *     }
 *     if (!cursor.finish()) …            // cursor.fault says where and what
 *
 * After a fault every loop ends by itself and the fault stays; nothing is thrown.
 */
import { BACKSLASH, CLOSE_BRACE, CLOSE_BRACKET, COLON, COMMA, isSpace, OPEN_BRACE, OPEN_BRACKET, QUOTE, SPACE } from './ascii.ts';
import { skipScalar } from './skip-scalar.ts';
import { skipString } from './skip-string.ts';
import type { WordSet } from './word-set.ts';

/** Deeper texts are refused, as most JSON parsers behind engines do. */
export const MAX_DEPTH = 512;

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null' | 'nothing';

export interface JsonFault {
  /** Index of the byte that can't be there. */
  readonly at: number;
  /** What should have been there: `',' or '}'`. */
  readonly expected: string;
}

const EMPTY = Buffer.alloc(0);

export class JsonCursor {
  /** Where the cursor stands; after a key, at the first byte of its value. */
  at = 0;
  /** Where the last key begins, at its opening quote. */
  keyAt = 0;
  fault: JsonFault | undefined;
  #bytes: Buffer = EMPTY;
  #memory: DataView = new DataView(EMPTY.buffer);
  /** Where `#bytes` begins in `#memory`. */
  #base = 0;
  #depth = 0;
  /** The last key, between its quotes; a key that was written with escapes lies decoded in a buffer of its own. */
  #keyBytes: Buffer = EMPTY;
  #keyStart = 0;
  #keyEnd = 0;

  /** Moves to the first value of another text. */
  reset(bytes: Buffer): void {
    if (this.#memory.buffer !== bytes.buffer) this.#memory = new DataView(bytes.buffer);
    this.#bytes = bytes;
    this.#base = bytes.byteOffset;
    this.#depth = 0;
    this.fault = undefined;
    this.at = 0;
    this.#skipSpace();
  }

  /** What the value at the cursor is, by its first byte. */
  kind(): JsonKind {
    const byte = this.#bytes[this.at];
    if (byte === QUOTE) return 'string';
    if (byte === OPEN_BRACE) return 'object';
    if (byte === OPEN_BRACKET) return 'array';
    if (byte === 0x74 || byte === 0x66) return 'boolean';
    if (byte === 0x6e) return 'null';
    return byte === undefined ? 'nothing' : 'number';
  }

  /** Steps into the object at the cursor, to the value of its first member. False when there is none. */
  enterObject(): boolean {
    if (!this.#enter(OPEN_BRACE, "'{'")) return false;
    return this.#bytes[this.at] === CLOSE_BRACE ? this.#leave() : this.#readKey("a key in quotes or '}'");
  }

  /** Steps from behind a member's value to the value of the next member. False at the end of the object. */
  nextMember(): boolean {
    this.#skipSpace();
    const byte = this.#bytes[this.at];
    if (byte === COMMA) {
      this.at++;
      this.#skipSpace();
      return this.#readKey('a key in quotes');
    }
    return byte === CLOSE_BRACE ? this.#leave() : this.#fail(this.at, "',' or '}'");
  }

  /** Steps into the array at the cursor, to its first element. False when there is none. */
  enterArray(): boolean {
    if (!this.#enter(OPEN_BRACKET, "'['")) return false;
    return this.#bytes[this.at] === CLOSE_BRACKET ? this.#leave() : true;
  }

  /** Steps from behind an element to the next one. False at the end of the array. */
  nextElement(): boolean {
    this.#skipSpace();
    const byte = this.#bytes[this.at];
    if (byte === COMMA) {
      this.at++;
      this.#skipSpace();
      return true;
    }
    return byte === CLOSE_BRACKET ? this.#leave() : this.#fail(this.at, "',' or ']'");
  }

  /** Which of these words the last key is, however it was written. */
  keyIn<Word extends string>(words: WordSet<Word>): Word | undefined {
    return words.find(this.#keyBytes, this.#keyStart, this.#keyEnd);
  }

  /** The last key as text. */
  key(): string {
    return this.#keyBytes.toString('utf8', this.#keyStart, this.#keyEnd);
  }

  /** Passes the value at the cursor, whatever it is. */
  skipValue(): void {
    const byte = this.#bytes[this.at];
    if (byte === QUOTE) this.#skipString();
    else if (byte === OPEN_BRACE) this.#skipObject();
    else if (byte === OPEN_BRACKET) this.#skipArray();
    else this.#pass(skipScalar(this.#bytes, this.at), 'a value');
  }

  /** To be called behind the outermost value: true when nothing but whitespace follows and there was no fault. */
  finish(): boolean {
    this.#skipSpace();
    if (this.at < this.#bytes.length) this.#fail(this.at, 'the end of the line');
    return this.fault === undefined;
  }

  #skipObject(): void {
    for (let more = this.enterObject(); more; more = this.nextMember()) this.skipValue();
  }

  #skipArray(): void {
    for (let more = this.enterArray(); more; more = this.nextElement()) this.skipValue();
  }

  #skipString(): void {
    const base = this.#base;
    const end = skipString(this.#memory, base + this.at + 1, base + this.#bytes.length);
    this.#pass(end < 0 ? end + base : end - base, "a valid character of the string, or '\"' at its end");
  }

  #readKey(expected: string): boolean {
    if (this.#bytes[this.at] !== QUOTE) return this.#fail(this.at, expected);
    this.keyAt = this.at;
    const start = this.at + 1;
    const end = this.#plainKeyEnd(start);
    this.#keyBytes = this.#bytes;
    this.#keyStart = start;
    this.#keyEnd = end;
    this.at = end + 1;
    if (this.#bytes[end] !== QUOTE && !this.#readEscapedKey(this.keyAt)) return false;
    this.#skipSpace();
    if (this.#bytes[this.at] !== COLON) return this.#fail(this.at, "':'");
    this.at++;
    this.#skipSpace();
    return true;
  }

  /** Where a run of plain characters ends; keys are too short for the word-wise scan to pay. */
  #plainKeyEnd(start: number): number {
    let at = start;
    for (let byte = this.#bytes[at]; byte !== undefined; byte = this.#bytes[++at]) {
      if (byte === QUOTE || byte === BACKSLASH || byte < SPACE) break;
    }
    return at;
  }

  #readEscapedKey(start: number): boolean {
    this.at = start;
    this.#skipString();
    if (this.fault !== undefined) return false;
    this.#keyBytes = Buffer.from(JSON.parse(this.#bytes.toString('utf8', start, this.at)));
    this.#keyStart = 0;
    this.#keyEnd = this.#keyBytes.length;
    return true;
  }

  #enter(opening: number, expected: string): boolean {
    if (this.#bytes[this.at] !== opening) return this.#fail(this.at, expected);
    if (this.#depth === MAX_DEPTH) return this.#fail(this.at, `no deeper nesting than ${MAX_DEPTH} levels`);
    this.#depth++;
    this.at++;
    this.#skipSpace();
    return true;
  }

  #leave(): false {
    this.#depth--;
    this.at++;
    return false;
  }

  #pass(end: number, expected: string): void {
    if (end < 0) this.#fail(~end, expected);
    else this.at = end;
  }

  #skipSpace(): void {
    while (isSpace(this.#bytes[this.at])) this.at++;
  }

  #fail(at: number, expected: string): false {
    this.fault ??= { at, expected };
    this.at = this.#bytes.length;
    return false;
  }
}
