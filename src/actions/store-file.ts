/** Puts a file that comes in into the object store, and counts it on the way. */
import { createHash } from 'node:crypto';
import type { Problem } from '../base/problem.ts';
import { makeUploadKey } from '../jobs/object-keys.ts';
import type { Context } from './context.ts';
import { RowCounter } from './row-counter.ts';

/** What was counted on the way. */
export interface StoredFile {
  readonly objectKey: string;
  readonly bytes: number;
  readonly rows: number;
  readonly sha256: string;
}

/** How much may come, and what is said when it is more. */
export interface SizeLimit {
  readonly bytes: number;
  readonly exceeded: () => Problem;
}

/** Streams it; whatever goes wrong leaves nothing behind. The object is nobody's yet. */
export async function storeFile(
  { objects, clock }: Pick<Context, 'objects' | 'clock'>,
  body: AsyncIterable<Uint8Array>,
  limit: SizeLimit,
): Promise<StoredFile> {
  const objectKey = makeUploadKey(clock.now());
  const counter = new RowCounter();
  const hash = createHash('sha256');
  async function* counted(): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > limit.bytes) throw limit.exceeded();
      counter.add(chunk);
      hash.update(chunk);
      yield chunk;
    }
  }
  const { bytes } = await objects.putStream(objectKey, counted());
  return { objectKey, bytes, rows: counter.rows, sha256: hash.digest('hex') };
}
