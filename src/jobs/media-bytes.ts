/** Tells images, sound and files in a row's messages from its text: engines count them by what they show, not by the length of their base64. */
import { JsonCursor } from '../jsonl/json-cursor.ts';
import { WordSet } from '../jsonl/word-set.ts';
import type { TextValue } from './read-text.ts';

/** Members of a part that are no text: those of chat completions and of responses. */
const MEDIA = new WordSet(['image_url', 'video_url', 'audio_url', 'input_audio', 'file', 'file_data']);
const CONTENT = new WordSet(['content']);

/** Passes a message's array of parts; answers how many bytes of it are no text. */
export const passParts = (cursor: JsonCursor): number =>
  sumElements(cursor, () => sumMembers(cursor, MEDIA, () => passValue(cursor)));

/** How many bytes of the `input` of a response are no text. */
export function mediaBytesOfInput(line: Buffer, input: TextValue | undefined): number {
  if (input?.elements !== 'objects') return 0;
  const cursor = new JsonCursor();
  cursor.reset(line.subarray(input.start, input.end));
  return sumElements(cursor, () =>
    sumMembers(cursor, CONTENT, () => {
      if (cursor.kind() === 'array') return passParts(cursor);
      cursor.skipValue();
      return 0;
    }),
  );
}

function sumElements(cursor: JsonCursor, passElement: () => number): number {
  let bytes = 0;
  for (let more = cursor.enterArray(); more; more = cursor.nextElement()) {
    if (cursor.kind() === 'object') bytes += passElement();
    else cursor.skipValue();
  }
  return bytes;
}

function sumMembers(cursor: JsonCursor, keys: WordSet<string>, passMember: () => number): number {
  let bytes = 0;
  for (let more = cursor.enterObject(); more; more = cursor.nextMember()) {
    if (cursor.keyIn(keys) === undefined) cursor.skipValue();
    else bytes += passMember();
  }
  return bytes;
}

function passValue(cursor: JsonCursor): number {
  const start = cursor.at;
  cursor.skipValue();
  return cursor.at - start;
}
