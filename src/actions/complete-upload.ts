/** Makes one file of the parts of an upload. */
import { createHash, type Hash } from 'node:crypto';
import { crashPoint } from '../base/crash-point.ts';
import { Problem } from '../base/problem.ts';
import { deleteUploadParts } from '../db/queries/delete-upload-parts.ts';
import { endUpload } from '../db/queries/end-upload.ts';
import { listUploadParts } from '../db/queries/list-upload-parts.ts';
import type { Upload, UploadPart } from '../db/schema.ts';
import type { Caller, Context } from './context.ts';
import { keepFile } from './create-file.ts';
import { demandPending, getUpload } from './get-upload.ts';
import { storeFile } from './store-file.ts';

/** What the file is made of. */
export interface Completion {
  readonly uploadId: string;
  /** In the order in which they are the file. */
  readonly partIds: readonly string[];
  /** What the MD5 of the file must be, in hexadecimal digits. */
  readonly md5?: string | undefined;
}

/** Streams the parts into one file, which is there once this is true of the upload, too. Asking again answers what came of it. */
export async function completeUpload(context: Context, caller: Caller, { uploadId, partIds, md5 }: Completion): Promise<Upload> {
  const { store, objects, clock } = context;
  const upload = await getUpload(context, caller, uploadId);
  if (upload.state === 'completed') return upload;
  demandPending(context, upload);
  const parts = chooseParts(upload, await listUploadParts(store.db, upload), partIds);
  const hash = createHash('md5');
  const limit = { bytes: upload.bytes, exceeded: () => otherSize(upload, upload.bytes) };
  const stored = await storeFile(context, joined(context, parts, hash), limit).catch((cause: unknown) => {
    throw isGone(cause) ? changedMeanwhile(uploadId) : cause;
  });
  crashPoint('complete.before-ready');
  await keepFile(context, caller, {
    stored,
    wish: async () => {
      checkHash(md5, hash.digest('hex'));
      return { filename: upload.filename, purpose: upload.purpose, lifeSeconds: upload.expiresAfterSeconds ?? undefined };
    },
    also: async (tx, datasetId) => {
      const ended = await endUpload(tx, upload, { state: 'completed', datasetId, now: clock.now() });
      if (ended === undefined) throw changedMeanwhile(uploadId);
    },
  });
  crashPoint('complete.after-ready');
  await objects.delete(await deleteUploadParts(store.db, upload));
  crashPoint('complete.after-parts');
  return getUpload(context, caller, uploadId);
}

async function* joined({ objects }: Context, parts: readonly UploadPart[], hash: Hash): AsyncGenerator<Uint8Array> {
  for (const { objectKey } of parts) {
    for await (const chunk of await objects.get(objectKey)) {
      hash.update(chunk);
      yield chunk;
    }
  }
}

/** Whoever ends an upload deletes its parts. */
const isGone = (cause: unknown): boolean => cause instanceof Problem && cause.reason === 'OBJECT_NOT_FOUND';

/** Those that are named, in that order. */
const chooseParts = (upload: Upload, parts: readonly UploadPart[], partIds: readonly string[]): readonly UploadPart[] => {
  const known = new Map(parts.map((part) => [part.id, part]));
  const chosen = partIds.map((id) => {
    const part = known.get(id);
    if (part === undefined) throw noSuchPart(upload.id, id);
    known.delete(id); // Named twice, it is unknown the second time.
    return part;
  });
  const bytes = chosen.reduce((sum, part) => sum + part.bytes, 0);
  if (bytes !== upload.bytes) throw otherSize(upload, bytes);
  return chosen;
};

const checkHash = (wanted: string | undefined, found: string): void => {
  if (wanted === undefined || wanted.toLowerCase() === found) return;
  throw new Problem('INVALID_ARGUMENT', `The file's MD5 is ${found}, not ${wanted}. Name other parts, or send them again.`, {
    reason: 'MD5_MISMATCH',
    details: { field: 'md5' },
  });
};

const noSuchPart = (uploadId: string, partId: string): Problem =>
  new Problem('INVALID_ARGUMENT', `${uploadId} has no part "${partId.slice(0, 100)}", or it is named twice.`, {
    reason: 'PART_NOT_FOUND',
    details: { field: 'part_ids' },
  });

const otherSize = ({ id, bytes }: Upload, came: number): Problem =>
  new Problem('INVALID_ARGUMENT', `${id} was begun for ${bytes} bytes; the parts that are named have ${came}.`, {
    reason: 'UPLOAD_SIZE_MISMATCH',
    details: { field: 'part_ids', announced: bytes, came },
  });

/** Whoever asks again hears what came of it. */
const changedMeanwhile = (id: string): Problem =>
  new Problem('ABORTED', `${id} was completed, cancelled or expired meanwhile. Ask again.`, { reason: 'UPLOAD_CHANGED' });
