/** One PUT of many that bring a file: takes its piece, says how much is there, and puts the file together with the last one. */
import { Problem } from '../base/problem.ts';
import type { Context } from './context.ts';
import { type Arrived, dropPieces, findArrived, keepPieces, readPieces } from './upload-pieces.ts';

/** A file that may come piece by piece. */
export interface PiecedFile {
  /** What its pieces go by. */
  readonly pieces: string;
  /** All that it will have. */
  readonly bytes: number;
  /** Takes it when it is whole; whatever goes wrong leaves nothing behind. */
  readonly keep: (body: AsyncIterable<Uint8Array>) => Promise<void>;
  /** Whether that has happened. */
  readonly isKept: () => Promise<boolean>;
}

/** A link's way in. */
export interface Upload {
  /** The size that the link says. */
  readonly bytes: number;
  /** Takes the whole file at once. */
  readonly receive: (body: AsyncIterable<Uint8Array>) => Promise<void>;
  /** Takes a piece, or only looks; answers how many bytes are there. */
  readonly resume: (piece: Piece | undefined) => Promise<number>;
}

/** Bytes `start` to before `end`. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  readonly body: AsyncIterable<Uint8Array>;
}

/** How many bytes are there afterwards. A piece that doesn't go on where they end is not read; one at 0 begins the file anew. */
export async function resumeUpload(context: Context, file: PiecedFile, piece: Piece | undefined): Promise<number> {
  const before = await findArrived(context, file.pieces);
  if (before.bytes < file.bytes && piece !== undefined && [0, before.bytes].includes(piece.start)) {
    if (piece.start === 0) await dropPieces(context, file.pieces);
    const body = atMost(untilCut(piece.body), piece);
    await keepPieces(context, file.pieces, { start: piece.start, prefix: before.prefix, body });
    return finishIfWhole(context, file, await findArrived(context, file.pieces));
  }
  if (before.bytes === 0 && (await file.isKept())) return file.bytes;
  return finishIfWhole(context, file, before);
}

async function finishIfWhole(context: Context, file: PiecedFile, arrived: Arrived): Promise<number> {
  if (arrived.bytes < file.bytes) return arrived.bytes;
  await file.keep(readPieces(context, arrived));
  await dropPieces(context, file.pieces);
  return file.bytes;
}

/** Ends where the sender went away. */
async function* untilCut(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch {
    // What came until now counts; the sender will ask how much that was.
  }
}

async function* atMost(body: AsyncIterable<Uint8Array>, { start, end }: Piece): AsyncGenerator<Uint8Array> {
  let next = start;
  for await (const block of body) {
    next += block.length;
    if (next > end) throw tooMuch(end - start);
    yield block;
  }
}

const tooMuch = (bytes: number): Problem =>
  new Problem('INVALID_ARGUMENT', `More came than the ${bytes} bytes that content-range says.`, {
    reason: 'INVALID_CONTENT_RANGE',
  });
