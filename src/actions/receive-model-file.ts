/** The other end of an upload link: one of a model's files comes in. */
import { createHash } from 'node:crypto';
import { Problem } from '../base/problem.ts';
import { addModelFile } from '../db/queries/add-model-file.ts';
import { findModelRecord } from '../db/queries/find-model-record.ts';
import { listModelFiles } from '../db/queries/list-model-files.ts';
import type { Model, ModelFile } from '../db/schema.ts';
import { makeModelKey } from '../jobs/object-keys.ts';
import type { Context } from './context.ts';
import type { LinkContext, ModelTarget } from './model-links.ts';
import { modelNotWaiting } from './model-not-waiting.ts';
import { type Piece, resumeUpload, type Upload } from './resume-upload.ts';
import { checkLink, type LinkStamp } from './sign-link.ts';
import { namePieces } from './upload-pieces.ts';

/** What a sender comes with. */
export interface ModelUploadLink {
  readonly target: ModelTarget & { readonly bytes: number };
  readonly stamp: LinkStamp;
}

type UploadTarget = ModelUploadLink['target'];

/** Lets a file in when the link is good: into the model, where the same link again replaces it. Whatever goes wrong leaves nothing behind. */
export function openModelUpload(context: LinkContext, { target, stamp }: ModelUploadLink): Upload {
  checkLink(context.links.secret, { target, stamp, now: context.clock.now() });
  return {
    bytes: target.bytes,
    receive: async (body) => keepModelFile(context, { model: await getWaiting(context, target), target, body }),
    resume: (piece) => resumeFile(context, target, piece),
  };
}

async function resumeFile(context: LinkContext, target: UploadTarget, piece: Piece | undefined): Promise<number> {
  const { file, bytes } = target;
  const model = await getWaiting(context, target);
  const known = (await listModelFiles(context.store.db, model)).find(({ name }) => name === file);
  if (known?.bytes !== bytes) throw modelNotWaiting(model.id);
  const keep = (body: AsyncIterable<Uint8Array>) => keepModelFile(context, { model, target, body });
  return resumeUpload(
    context,
    { pieces: piecesOfModel(model, known), bytes, keep, isKept: async () => known.objectKey !== null },
    piece,
  );
}

/** What the pieces of a model's file go by. */
export const piecesOfModel = ({ uid }: Model, { name, bytes }: Pick<ModelFile, 'name' | 'bytes'>): string =>
  namePieces(['models', uid, name, bytes]);

const getWaiting = async ({ store }: LinkContext, { accountId, id }: UploadTarget): Promise<Model> => {
  const model = await findModelRecord(store.db, accountId, id);
  if (model?.state === 'UPLOADING') return model;
  throw modelNotWaiting(id);
};

/** A file on its way into a model. */
export interface Keeping {
  readonly model: Model;
  readonly target: Pick<UploadTarget, 'accountId' | 'id' | 'file' | 'bytes'>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Takes a file that was announced with this size; whatever goes wrong leaves nothing behind. */
export async function keepModelFile({ store, objects, clock }: Context, { model, target, body }: Keeping): Promise<void> {
  const { accountId, id, file: name, bytes } = target;
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
