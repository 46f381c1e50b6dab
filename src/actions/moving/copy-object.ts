import { createHash } from 'node:crypto';
import type { ObjectStore } from '../../storage/object-store.ts';
import { damaged, type ListedObject } from './archive.ts';
import { hashed } from './line-file.ts';

/** From where to where. */
export interface Way {
  readonly from: ObjectStore;
  readonly to: ObjectStore;
}

/** Copies an object, and answers what it is. One that is there already is only read: it came in an earlier try. */
export async function copyObject({ from, to }: Way, { key, bytes }: Omit<ListedObject, 'sha256'>): Promise<ListedObject> {
  const hash = createHash('sha256');
  const isThere = (await to.head(key))?.bytes === bytes;
  if (isThere) for await (const chunk of await to.get(key)) hash.update(chunk);
  else
    await to.putStream(
      key,
      hashed(await from.get(key), (chunk) => hash.update(chunk)),
    );
  return { key, bytes, sha256: hash.digest('hex') };
}

/** The same for one whose hash is known: with another, nothing arrives. */
export async function copyListedObject({ from, to }: Way, { key, bytes, sha256 }: ListedObject): Promise<void> {
  if ((await to.head(key))?.bytes === bytes) return;
  await to.putStream(key, checked(await from.get(key), { key, sha256 }));
}

async function* checked(
  chunks: AsyncIterable<Buffer>,
  { key, sha256 }: Pick<ListedObject, 'key' | 'sha256'>,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  yield* hashed(chunks, (chunk) => hash.update(chunk));
  if (hash.digest('hex') !== sha256) throw damaged(`objects/${key}`);
}
