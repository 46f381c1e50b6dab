import type { Engine } from '../schema.ts';
import type { Db } from '../store.ts';

export const findEngine = (db: Db, accountId: string, id: string): Promise<Engine | undefined> =>
  db.selectFrom('engine').selectAll().where('accountId', '=', accountId).where('id', '=', id).executeTakeFirst();
