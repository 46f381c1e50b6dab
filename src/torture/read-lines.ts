/** Files of one JSON value a line. */
import { createReadStream } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import type { Call } from './call-log.ts';

/** From a file, or from memory. */
export type Several<Thing> = Iterable<Thing> | AsyncIterable<Thing>;

/** The lines of a file that are not blank; only a line feed ends one, as JSON may hold every other separator. */
async function* readLines(path: string): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const piece of createReadStream(path, { highWaterMark: 2 ** 20 })) {
    const lines = (rest + decoder.write(piece)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line !== '');
  }
  if (rest !== '') yield rest;
}

/** What an engine's log holds; a last line that the engine's death cut off is none. */
export async function* readCalls(path: string): AsyncGenerator<Call> {
  // Written by CallLog.
  for await (const line of readLines(path)) if (line.endsWith('}')) yield JSON.parse(line) as Call;
}
