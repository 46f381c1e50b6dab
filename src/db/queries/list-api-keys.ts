import type { ApiKey } from '../schema.ts';
import type { Db } from '../store.ts';

/** All keys of an account, oldest first. */
export const listApiKeys = (db: Db, accountId: string): Promise<readonly ApiKey[]> =>
  db.selectFrom('apiKey').selectAll().where('accountId', '=', accountId).orderBy('createdAt').orderBy('id').execute();
