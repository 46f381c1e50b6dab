import type { Quota } from '../schema.ts';
import type { Db } from '../store.ts';

/** Undefined where it was never changed. */
export const findQuota = (db: Db, accountId: string, id: string): Promise<Quota | undefined> =>
  db.selectFrom('quota').selectAll().where('accountId', '=', accountId).where('id', '=', id).executeTakeFirst();
