import { JsonCursor } from './json-cursor.ts';

/** A half-open range of bytes in the line that was scanned. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const cursor = new JsonCursor();

/**
 * Where the values of a JSON object's members are, by key, without building any of them. A key that comes twice counts
 * where it comes last, as in `JSON.parse`. Undefined when the bytes are not one JSON object.
 */
export function scanObject(bytes: Buffer): ReadonlyMap<string, Span> | undefined {
  const members = new Map<string, Span>();
  cursor.reset(bytes);
  for (let more = cursor.enterObject(); more; more = cursor.nextMember()) {
    const key = cursor.key();
    const start = cursor.at;
    cursor.skipValue();
    members.set(key, { start, end: cursor.at });
  }
  return cursor.finish() ? members : undefined;
}

/** Where the elements of a JSON array are; undefined when the bytes are not one JSON array. */
export function scanArray(bytes: Buffer): readonly Span[] | undefined {
  const elements: Span[] = [];
  cursor.reset(bytes);
  for (let more = cursor.enterArray(); more; more = cursor.nextElement()) {
    const start = cursor.at;
    cursor.skipValue();
    elements.push({ start, end: cursor.at });
  }
  return cursor.finish() ? elements : undefined;
}
