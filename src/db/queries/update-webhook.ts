import { inTransaction } from '../in-transaction.ts';
import type { Webhook } from '../schema.ts';
import type { Db } from '../store.ts';

export type WebhookChanges = Partial<Omit<Webhook, 'accountId' | 'id' | 'createdAt' | 'createdBy'>>;

/** Changes a webhook; undefined when there is none. One that is switched off gives up what it has still to say. */
export const updateWebhook = (
  db: Db,
  { accountId, id }: Pick<Webhook, 'accountId' | 'id'>,
  changes: WebhookChanges,
): Promise<Webhook | undefined> =>
  inTransaction(db, async (tx) => {
    const webhook = await tx
      .updateTable('webhook')
      .set(changes)
      .where('accountId', '=', accountId)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    if (webhook?.enabled !== false) return webhook;
    await tx
      .updateTable('webhookDelivery')
      .set({ state: 'FAILED', nextAttemptAt: null, leasedUntil: null })
      .where('accountId', '=', accountId)
      .where('webhookId', '=', id)
      .where('state', '=', 'PENDING')
      .execute();
    return webhook;
  });
