import type { Webhook } from '../schema.ts';
import type { Db } from '../store.ts';

export const findWebhook = (db: Db, accountId: string, id: string): Promise<Webhook | undefined> =>
  db.selectFrom('webhook').selectAll().where('accountId', '=', accountId).where('id', '=', id).executeTakeFirst();
