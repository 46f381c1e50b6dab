import type { User } from '../schema.ts';
import type { Db } from '../store.ts';

export const findUser = (db: Db, accountId: string, id: string): Promise<User | undefined> =>
  db.selectFrom('accountUser').selectAll().where('accountId', '=', accountId).where('id', '=', id).executeTakeFirst();
