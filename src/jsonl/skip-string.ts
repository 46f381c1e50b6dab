/** Finds the end of a JSON string, four bytes at a time. */
import { BACKSLASH, QUOTE } from './ascii.ts';

/** How many bytes an escape takes, by the byte after the backslash; 0 is no escape. */
const ESCAPE_BYTES = new Uint8Array(256);
for (const character of '"\\/bfnrt') ESCAPE_BYTES[character.charCodeAt(0)] = 2;
ESCAPE_BYTES['u'.charCodeAt(0)] = 6;

/**
 * Starts at the first byte after the opening quote and answers the index after the closing one;
 * when the string is not well formed before `end`, the complement (`~`) of the index of the fault.
 *
 * Indexes count from the start of `memory`, which may reach beyond `end`.
 */
export function skipString(memory: DataView, start: number, end: number): number {
  let from = start;
  for (let at = findStop(memory, from, end); at < end; at = findStop(memory, from, end)) {
    const byte = memory.getUint8(at);
    if (byte === QUOTE) return at + 1;
    from = byte === BACKSLASH ? skipEscape(memory, at, end) : ~at;
    if (from < 0) return from;
  }
  return ~end;
}

/** The first byte that ends a run of plain characters; `end` or a little more when there is none before it. */
function findStop(memory: DataView, start: number, end: number): number {
  const lastWord = Math.min(end - 1, memory.byteLength - 4);
  let at = start;
  // Long strings are mostly plain: four words a step cost less than four steps.
  for (const lastFour = lastWord - 12; at <= lastFour; at += 16) {
    const first = stopBytes(memory.getInt32(at, true)) | stopBytes(memory.getInt32(at + 4, true));
    const second = stopBytes(memory.getInt32(at + 8, true)) | stopBytes(memory.getInt32(at + 12, true));
    if ((first | second) !== 0) break;
  }
  for (; at <= lastWord; at += 4) {
    const stops = stopBytes(memory.getInt32(at, true));
    // The lowest marked byte is always a true one: only bytes above it can be marked by a borrow.
    if (stops !== 0) return at + ((31 - Math.clz32(stops & -stops)) >> 3);
  }
  while (at < end && stopBytes(memory.getUint8(at) | 0x2020_2000) === 0) at++;
  return at;
}

/**
 * Marks (in their highest bits) the bytes of a word that are a quote, a backslash, or below 0x20. With the second bit turned over, a quote is 0x20
 * and what was below stays there, so that one comparison finds both.
 */
const stopBytes = (word: number): number =>
  (((word ^ 0x02020202) - 0x21212121) | ((word ^ 0x5c5c5c5c) - 0x01010101)) & ~word & 0x80808080;

function skipEscape(memory: DataView, at: number, end: number): number {
  const bytes = at + 1 < end ? (ESCAPE_BYTES[memory.getUint8(at + 1)] ?? 0) : 0;
  if (bytes === 0 || at + bytes > end) return ~at;
  for (let index = at + 2; index < at + bytes; index++) {
    if (!isHexDigit(memory.getUint8(index))) return ~at;
  }
  return at + bytes;
}

const isHexDigit = (byte: number): boolean => (byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
