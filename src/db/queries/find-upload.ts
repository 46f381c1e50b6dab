import type { Upload } from '../schema.ts';
import type { Db } from '../store.ts';

export const findUpload = (db: Db, accountId: string, id: string): Promise<Upload | undefined> =>
  db.selectFrom('upload').selectAll().where('accountId', '=', accountId).where('id', '=', id).executeTakeFirst();
