/** A stream's small pieces in larger ones: each write is a trip to the disk's thread. */
const BATCH_BYTES = 256 * 1024;

/** The body's own failure, kept apart from the disk's: it may be a system error as well. */
export class BodyFailure extends Error {
  constructor(cause: unknown) {
    super('The stream to be written failed.', { cause });
  }
}

/** Gathers pieces; what the body throws comes as a `BodyFailure`. */
export async function* toBatches(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const piece of body) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes < BATCH_BYTES) continue;
      yield pieces.length === 1 ? piece : Buffer.concat(pieces, bytes);
      pieces = [];
      bytes = 0;
    }
  } catch (cause) {
    throw new BodyFailure(cause);
  }
  yield Buffer.concat(pieces, bytes);
}
