import type { Upload } from '../schema.ts';
import type { Db } from '../store.ts';

/** Forgets the parts of an upload; answers the keys of their objects, which nobody owns now. */
export async function deleteUploadParts(db: Db, { accountId, id }: Pick<Upload, 'accountId' | 'id'>): Promise<readonly string[]> {
  const parts = await db
    .deleteFrom('uploadPart')
    .where('accountId', '=', accountId)
    .where('uploadId', '=', id)
    .returning('objectKey')
    .execute();
  return parts.map(({ objectKey }) => objectKey);
}
