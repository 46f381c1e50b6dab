import { JsonCursor } from './json-cursor.ts';
import { WordSet } from './word-set.ts';

const ID = new WordSet(['custom_id']);
const cursor = new JsonCursor();

/** The raw JSON string token, quotes and escapes included, of a line's `custom_id`; undefined when it has none. A view of the line. */
export function lineId(line: Buffer): Buffer | undefined {
  let id: Buffer | undefined;
  cursor.reset(line);
  for (let more = cursor.enterObject(); more; more = cursor.nextMember()) {
    const isId = cursor.keyIn(ID) !== undefined;
    const isString = cursor.kind() === 'string';
    const start = cursor.at;
    cursor.skipValue();
    if (isId) id = isString ? line.subarray(start, cursor.at) : undefined;
  }
  return cursor.finish() ? id : undefined;
}
