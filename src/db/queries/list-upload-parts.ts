import type { Upload, UploadPart } from '../schema.ts';
import type { Db } from '../store.ts';

/** The parts of an upload that have come, in any order. */
export const listUploadParts = (db: Db, { accountId, id }: Pick<Upload, 'accountId' | 'id'>): Promise<readonly UploadPart[]> =>
  db.selectFrom('uploadPart').selectAll().where('accountId', '=', accountId).where('uploadId', '=', id).execute();
