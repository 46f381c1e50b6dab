import type { Model } from '../schema.ts';
import type { Db } from '../store.ts';

export const findModelRecord = (db: Db, accountId: string, id: string): Promise<Model | undefined> =>
  db.selectFrom('model').selectAll().where('accountId', '=', accountId).where('id', '=', id).executeTakeFirst();
