import type { Webhook } from '../schema.ts';
import type { Db } from '../store.ts';

/** Makes a webhook; false when the id is taken. */
export async function insertWebhook(db: Db, webhook: Webhook): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('webhook')
    .values(webhook)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}
