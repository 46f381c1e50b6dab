import type { Account } from '../schema.ts';
import type { Db } from '../store.ts';

export const findAccount = (db: Db, id: string): Promise<Account | undefined> =>
  db.selectFrom('account').selectAll().where('id', '=', id).executeTakeFirst();
