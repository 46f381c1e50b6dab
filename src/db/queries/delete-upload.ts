import type { Upload } from '../schema.ts';
import type { Db } from '../store.ts';
import { deleteUploadParts } from './delete-upload-parts.ts';

/** Forgets an upload with its parts; answers the keys of their objects, which nobody owns now. */
export const deleteUpload = (db: Db, { accountId, id }: Pick<Upload, 'accountId' | 'id'>): Promise<readonly string[]> =>
  db.transaction().execute(async (tx) => {
    const objectKeys = await deleteUploadParts(tx, { accountId, id });
    await tx.deleteFrom('upload').where('accountId', '=', accountId).where('id', '=', id).execute();
    return objectKeys;
  });
