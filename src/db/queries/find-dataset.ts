import type { Dataset } from '../schema.ts';
import type { Db } from '../store.ts';

export const findDataset = (db: Db, accountId: string, id: string): Promise<Dataset | undefined> =>
  db.selectFrom('dataset').selectAll().where('accountId', '=', accountId).where('id', '=', id).executeTakeFirst();
