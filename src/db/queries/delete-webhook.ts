import type { Webhook } from '../schema.ts';
import type { Db } from '../store.ts';

/** Removes a webhook with all its deliveries. False when there was none. */
export async function deleteWebhook(db: Db, { accountId, id }: Pick<Webhook, 'accountId' | 'id'>): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('webhook')
    .where('accountId', '=', accountId)
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}
