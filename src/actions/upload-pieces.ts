/** Files that come in piece by piece: what has arrived outlives cut connections and restarts, as objects of their own until the file is whole. */
import { createHash } from 'node:crypto';
import { makePieceKey, makePiecesPrefix, PIECES_PREFIX, readPieceKey } from '../jobs/object-keys.ts';
import type { StoredObject } from '../storage/object-store.ts';
import type { Context } from './context.ts';

/** What comes without a break is kept in pieces of this size: a process that dies loses no more. */
const PIECE_BYTES = 64 * 1024 * 1024;

/** What has arrived of a file, without a gap from its first byte on. */
export interface Arrived {
  readonly pieces: readonly StoredObject[];
  readonly bytes: number;
  /** Where the rest of them goes; undefined when nothing is there. */
  readonly prefix: string | undefined;
}

/** A name for a file's pieces: other facts, another name. */
export const namePieces = (facts: readonly (string | number)[]): string =>
  createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 32);

/** What has arrived since the file was last begun. */
export async function findArrived({ objects }: Pick<Context, 'objects'>, file: string): Promise<Arrived> {
  const all = await Array.fromAsync(objects.list(`${PIECES_PREFIX}${file}/`));
  const prefix = all.at(-1) && readPieceKey(all.at(-1)?.key ?? '').prefix;
  const byStart = Map.groupBy(
    all.filter(({ key }) => prefix !== undefined && key.startsWith(prefix)),
    ({ key }) => readPieceKey(key).start,
  );
  const pieces: StoredObject[] = [];
  let bytes = 0;
  for (const [start, twins] of byStart) {
    // Who took a dead connection for a living one, or the other way round, sends the same bytes again: the longest will do.
    const [longest] = twins.toSorted((a, b) => b.bytes - a.bytes);
    if (start !== bytes || longest === undefined) continue;
    pieces.push(longest);
    bytes += longest.bytes;
  }
  return { pieces, bytes, prefix };
}

/** Keeps what comes, from `start` on; at 0 the file begins anew. A sender that goes away is no failure: what came until then stays. */
export async function keepPieces(
  { objects, clock }: Pick<Context, 'objects' | 'clock'>,
  file: string,
  {
    start,
    prefix,
    body,
  }: { readonly start: number; readonly prefix: string | undefined; readonly body: AsyncIterable<Uint8Array> },
): Promise<void> {
  const place = start === 0 || prefix === undefined ? makePiecesPrefix(file, clock.now()) : prefix;
  let next = start;
  for await (const piece of inPieces(body)) next += (await objects.putStream(makePieceKey(place, next), piece)).bytes;
}

/** The bytes of the pieces, one after the other. */
export async function* readPieces({ objects }: Pick<Context, 'objects'>, { pieces }: Arrived): AsyncGenerator<Uint8Array> {
  for (const { key } of pieces) yield* await objects.get(key);
}

/** Forgets all that came of a file. */
export async function dropPieces({ objects }: Pick<Context, 'objects'>, file: string): Promise<void> {
  const all = await Array.fromAsync(objects.list(`${PIECES_PREFIX}${file}/`));
  await objects.delete(all.map(({ key }) => key));
}

/** Cuts a body into bodies; each is read to its end before the next one is asked for. */
async function* inPieces(body: AsyncIterable<Uint8Array>): AsyncGenerator<AsyncIterable<Uint8Array>> {
  const blocks = body[Symbol.asyncIterator]();
  try {
    let block = await blocks.next();
    while (block.done !== true) {
      yield (async function* () {
        for (let bytes = 0; block.done !== true && bytes < PIECE_BYTES; block = await blocks.next()) {
          bytes += block.value.length;
          yield block.value;
        }
      })();
    }
  } finally {
    await blocks.return?.();
  }
}
