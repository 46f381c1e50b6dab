/** Checks what completions and embeddings take for text: a string, or a list of strings, of token ids, or of lists of token ids. */
import type { JsonCursor, JsonKind } from '../jsonl/json-cursor.ts';
import type { Span } from '../jsonl/scan-object.ts';

/** A value that was walked over, by its shape. */
export interface TextValue extends Span {
  readonly kind: JsonKind;
  /** What all elements of an array are, itself not empty; undefined where they differ, and for what is no array. */
  readonly elements: ElementShape | undefined;
}

type ElementShape = 'strings' | 'objects' | 'ids' | 'lists of ids';

const TEXTS: readonly (ElementShape | undefined)[] = ['strings', 'ids', 'lists of ids'];

/** What completions and embeddings take. */
export const isText = ({ kind, elements }: TextValue): boolean => kind === 'string' || TEXTS.includes(elements);

/** What responses take: a string, or a list of messages and the like. */
export const isConversation = ({ kind, elements }: TextValue): boolean => kind === 'string' || elements === 'objects';

/** Passes the value at the cursor. */
export function readText(cursor: JsonCursor, line: Buffer): TextValue {
  const start = cursor.at;
  const kind = cursor.kind();
  const elements = kind === 'array' ? readElements(cursor, line, 0) : undefined;
  if (kind !== 'array') cursor.skipValue();
  return { start, end: cursor.at, kind, elements };
}

/** Passes an array; `depth` counts the arrays around it. */
function readElements(cursor: JsonCursor, line: Buffer, depth: 0 | 1): ElementShape | undefined {
  let shape: ElementShape | undefined;
  let count = 0;
  for (let more = cursor.enterArray(); more; more = cursor.nextElement()) {
    const found = readElement(cursor, line, depth);
    shape = count++ === 0 || shape === found ? found : undefined;
  }
  return shape;
}

function readElement(cursor: JsonCursor, line: Buffer, depth: 0 | 1): ElementShape | undefined {
  const kind = cursor.kind();
  if (kind === 'array' && depth === 0) return readElements(cursor, line, 1) === 'ids' ? 'lists of ids' : undefined;
  const start = cursor.at;
  cursor.skipValue();
  if (kind === 'string') return 'strings';
  if (kind === 'object') return 'objects';
  return isCount(line, start, cursor.at) ? 'ids' : undefined;
}

/** Digits only: a whole number that is not negative, written plainly. */
export function isCount(line: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = line[at] ?? 0;
    if (byte < 0x30 || byte > 0x39) return false;
  }
  return end > start;
}
