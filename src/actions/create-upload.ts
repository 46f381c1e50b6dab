import { makeId } from '../base/ids.ts';
import { insertUpload } from '../db/queries/insert-upload.ts';
import type { Upload } from '../db/schema.ts';
import type { Caller, Context } from './context.ts';
import type { FileWish } from './create-file.ts';
import { checkQuota } from './quotas.ts';
import { datasetTooLarge } from './receive-upload.ts';

const ID_CHARACTERS = 24;
const LIFE_MS = 3600 * 1000;

/** Begins an upload of a file of exactly so many bytes; they count as the account's until it is over. */
export async function createUpload(
  context: Context,
  { accountId, name }: Caller,
  { filename, bytes, purpose, lifeSeconds }: FileWish & { readonly bytes: number },
): Promise<Upload> {
  const { limits, clock, store } = context;
  if (bytes > limits.datasetBytes) throw datasetTooLarge(limits.datasetBytes);
  const createdAt = clock.now();
  const upload: Upload = {
    accountId,
    id: `upload_${makeId(ID_CHARACTERS)}`,
    filename,
    bytes,
    purpose,
    expiresAfterSeconds: lifeSeconds ?? null,
    state: 'pending',
    datasetId: null,
    createdBy: name,
    createdAt,
    expiresAt: new Date(createdAt.getTime() + LIFE_MS),
  };
  await insertUpload(store.db, upload, (tx) => checkQuota(context, tx, { accountId, id: 'dataset-bytes', adding: bytes }));
  return upload;
}
