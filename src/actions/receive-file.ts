/** The other end of an upload link: one of a dataset's files comes in, at exactly the size that it was announced with. */
import { Problem } from '../base/problem.ts';
import { addDatasetFile } from '../db/queries/add-dataset-file.ts';
import type { Context } from './context.ts';
import type { Links } from './link-download.ts';
import { checkLink, type LinkStamp, type LinkTarget } from './sign-link.ts';
import { storeFile } from './store-file.ts';

/** A file on its way in through a link. */
export interface IncomingFile {
  readonly target: LinkTarget & { readonly bytes: number };
  readonly stamp: LinkStamp;
  /** What the sender says that it sends, as far as it says. */
  readonly declared: { readonly bytes: number | undefined; readonly range: string | undefined };
  readonly body: AsyncIterable<Uint8Array>;
}

/** Streams it into the dataset; the same link again replaces it. Whatever goes wrong leaves nothing behind. */
export async function receiveFile(
  context: Context & { readonly links: Links },
  { target, stamp, declared, body }: IncomingFile,
): Promise<void> {
  const { links, clock, objects, store } = context;
  const { accountId, id, file: name, bytes } = target;
  checkLink(links.secret, { target, stamp, now: clock.now() });
  if (declared.bytes !== undefined && declared.bytes !== bytes) throw otherSize(bytes, `${declared.bytes}`);
  if (declared.range !== undefined) checkRange(declared.range, bytes);
  const file = await storeFile(context, body, { bytes, exceeded: () => otherSize(bytes, 'more') });
  const isWhole = file.bytes === bytes;
  const stored = { ...file, accountId, datasetId: id, name, createdAt: clock.now() };
  const { added, replaced } = isWhole
    ? await addOrDrop(() => addDatasetFile(store.db, stored), context, file.objectKey)
    : { added: false, replaced: [] };
  await objects.delete(added ? replaced : [file.objectKey]);
  if (!isWhole) throw otherSize(bytes, `${file.bytes}`);
  if (!added) throw notAwaited(id);
}

/** An object that the database did not take is nobody's. */
const addOrDrop = async <T>(add: () => Promise<T>, { objects }: Context, objectKey: string): Promise<T> => {
  try {
    return await add();
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
