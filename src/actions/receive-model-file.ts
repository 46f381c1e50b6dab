/** The other end of an upload link: one of a model's files comes in. */
import { createHash } from 'node:crypto';
import { Problem } from '../base/problem.ts';
import { addModelFile } from '../db/queries/add-model-file.ts';
import { findModelRecord } from '../db/queries/find-model-record.ts';
import { makeModelKey } from '../jobs/object-keys.ts';
import type { LinkContext, ModelTarget } from './model-links.ts';
import { modelNotWaiting } from './model-not-waiting.ts';
import { checkLink, type LinkStamp } from './sign-link.ts';

/** A file on its way in through a link. */
export interface IncomingModelFile {
  readonly target: ModelTarget & { readonly bytes: number };
  readonly stamp: LinkStamp;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Streams it into the model, at exactly the announced size. The same link again replaces it; whatever goes wrong leaves nothing behind. */
export async function receiveModelFile(context: LinkContext, { target, stamp, body }: IncomingModelFile): Promise<void> {
  const { store, objects, clock, links } = context;
  const { accountId, id, file: name, bytes } = target;
  checkLink(links.secret, { target, stamp, now: clock.now() });
  const model = await findModelRecord(store.db, accountId, id);
  if (model?.state !== 'UPLOADING') throw modelNotWaiting(id);
  const objectKey = makeModelKey(model.uid, clock.now());
  const hash = createHash('sha256');
  await objects.putStream(objectKey, sized(body, { bytes, hash }));
  try {
    const file = { accountId, modelId: id, name, bytes, objectKey, sha256: hash.digest('hex'), createdAt: clock.now() };
    const { added, replaced } = await addModelFile(store.db, file);
    if (!added) throw modelNotWaiting(id);
    if (replaced !== null) await objects.delete([replaced]);
  } catch (cause) {
    await objects.delete([objectKey]);
    throw cause;
  }
}

interface Measures {
  readonly bytes: number;
  readonly hash: { update(bytes: Uint8Array): unknown };
}

/** Passes a body on; fails as soon as it is too long, and at its end when it is too short. */
async function* sized(body: AsyncIterable<Uint8Array>, { bytes, hash }: Measures): AsyncGenerator<Uint8Array> {
  let came = 0;
  for await (const chunk of body) {
    came += chunk.length;
    if (came > bytes) throw otherSize(bytes, 'more');
    hash.update(chunk);
    yield chunk;
  }
  if (came < bytes) throw otherSize(bytes, String(came));
}

const otherSize = (announced: number, came: string): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `The file was announced with ${announced} bytes, ${came} came. Ask :getUploadEndpoint with the right size.`,
    { reason: 'UPLOAD_SIZE_MISMATCH', details: { announced } },
  );
