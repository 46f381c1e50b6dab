/** The other end of an upload link: one of a dataset's files comes in, at exactly the size that it was announced with. */
import { Problem } from '../base/problem.ts';
import { addDatasetFile } from '../db/queries/add-dataset-file.ts';
import { findDataset } from '../db/queries/find-dataset.ts';
import { listDatasetFiles } from '../db/queries/list-dataset-files.ts';
import type { Dataset } from '../db/schema.ts';
import type { Context } from './context.ts';
import type { Links } from './link-download.ts';
import { type Piece, resumeUpload, type Upload } from './resume-upload.ts';
import { checkLink, type LinkStamp, type LinkTarget } from './sign-link.ts';
import { storeFile } from './store-file.ts';
import { namePieces } from './upload-pieces.ts';

/** What a sender comes with. */
export interface UploadLink {
  readonly target: LinkTarget & { readonly bytes: number };
  readonly stamp: LinkStamp;
  /** The size once more, as far as the sender says. */
  readonly lengthRange: string | undefined;
}

/** What a link lets in. */
type UploadTarget = UploadLink['target'];

/** Lets a file in when the link is good: into the dataset, where the same link again replaces it. Whatever goes wrong leaves nothing behind. */
export function openUpload(context: Context & { readonly links: Links }, { target, stamp, lengthRange }: UploadLink): Upload {
  checkLink(context.links.secret, { target, stamp, now: context.clock.now() });
  if (lengthRange !== undefined) checkRange(lengthRange, target.bytes);
  return {
    bytes: target.bytes,
    receive: (body) => keepFile(context, target, body),
    resume: (piece) => resumeFile(context, target, piece),
  };
}

async function resumeFile(context: Context, target: UploadTarget, piece: Piece | undefined): Promise<number> {
  const { accountId, id, file, bytes } = target;
  const dataset = await findDataset(context.store.db, accountId, id);
  const isKept = async (): Promise<boolean> => {
    const files = await listDatasetFiles(context.store.db, accountId, id);
    return files.some((kept) => kept.name === file && kept.bytes === bytes);
  };
  if (dataset === undefined) throw notAwaited(id);
  if (dataset.state === 'READY' && piece === undefined && (await isKept())) return bytes;
  if (!isAwaited(dataset, target)) throw notAwaited(id);
  const keep = (body: AsyncIterable<Uint8Array>) => keepFile(context, target, body);
  return resumeUpload(context, { pieces: piecesOf(dataset, file, bytes), bytes, keep, isKept }, piece);
}

/** What the pieces of a dataset's file go by; those of a dataset that was made anew go by another name. */
export const piecesOf = ({ accountId, id, createdAt }: Dataset, file: string, bytes: number): string =>
  namePieces(['datasets', accountId, id, createdAt.getTime(), file, bytes]);

const isAwaited = ({ state, announced }: Dataset, { file, bytes }: UploadTarget): boolean =>
  state === 'UPLOADING' && Object.hasOwn(announced, file) && announced[file] === bytes;

async function keepFile(context: Context, target: UploadTarget, body: AsyncIterable<Uint8Array>): Promise<void> {
  const { accountId, id, file: name, bytes } = target;
  const file = await storeFile(context, body, { bytes, exceeded: () => otherSize(bytes, 'more') });
  const replaced = await keepOrDelete(context, file.objectKey, async () => {
    if (file.bytes !== bytes) throw otherSize(bytes, `${file.bytes}`);
    const added = { ...file, accountId, datasetId: id, name, createdAt: context.clock.now() };
    const taken = await addDatasetFile(context.store.db, added);
    if (!taken.added) throw notAwaited(id);
    return taken.replaced;
  });
  await context.objects.delete(replaced);
}

/** An object that the database did not take is nobody's. */
const keepOrDelete = async <T>({ objects }: Context, objectKey: string, take: () => Promise<T>): Promise<T> => {
  try {
    return await take();
  } catch (cause) {
    await objects.delete([objectKey]);
    throw cause;
  }
};

/** `x-goog-content-length-range: least,most`, as clients of the original send it. */
const checkRange = (range: string, bytes: number): void => {
  const [, least, most] = /^\s*(\d{1,15})\s*,\s*(\d{1,15})\s*$/.exec(range) ?? [];
  if (least !== undefined && Number(least) <= bytes && bytes <= Number(most)) return;
  throw new Problem(
    'INVALID_ARGUMENT',
    `x-goog-content-length-range must be "least,most" around the announced ${bytes} bytes, got "${range.slice(0, 100)}".`,
    { reason: 'INVALID_LENGTH_RANGE' },
  );
};

const otherSize = (announced: number, came: string): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `The file was announced with ${announced} bytes, ${came} came. Ask :getUploadEndpoint with the right size.`,
    { reason: 'UPLOAD_SIZE_MISMATCH', details: { announced } },
  );

const notAwaited = (id: string): Problem =>
  new Problem('FAILED_PRECONDITION', `Dataset "${id}" does not wait for this file any more: it is READY, or was made anew.`, {
    reason: 'DATASET_READY',
  });
