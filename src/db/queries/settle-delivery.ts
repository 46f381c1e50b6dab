import { sql } from 'kysely';
import type { DeliveryAttempt, WebhookDelivery } from '../schema.ts';
import { storableText } from '../storable-text.ts';
import type { Db } from '../store.ts';
import { updateWebhook } from './update-webhook.ts';

export interface SettledDelivery {
  readonly delivery: Pick<WebhookDelivery, 'id' | 'accountId' | 'webhookId'>;
  readonly attempt: DeliveryAttempt;
  readonly state: WebhookDelivery['state'];
  readonly nextAttemptAt: Date | null;
  /** Whether this attempt says that the receiver is gone for good. */
  readonly gone: boolean;
  /** A webhook of which nothing but failures was heard since then, or for longer, is switched off. */
  readonly givenUpIfFailingSince: Date;
  readonly at: Date;
}

/** Notes an attempt, what comes after it, and what it says of the webhook. Answers why the webhook was switched off, if it was. */
export const settleDelivery = (db: Db, settled: SettledDelivery): Promise<string | undefined> =>
  db.transaction().execute(async (tx) => {
    const { delivery, attempt, state, nextAttemptAt } = settled;
    const kept = { ...attempt, error: storableText(attempt.error), response: storableText(attempt.response) };
    await tx
      .updateTable('webhookDelivery')
      .set({ attempts: sql`attempts || ${JSON.stringify([kept])}::jsonb`, state, nextAttemptAt, leasedUntil: null })
      .where('id', '=', delivery.id)
      .where('state', '=', 'PENDING')
      .execute();
    const name = { accountId: delivery.accountId, id: delivery.webhookId };
    const failingSince = await noteHealth(tx, name, state === 'DELIVERED' ? null : settled.at);
    const disabledReason = failingSince && whyDisabled(settled, failingSince);
    if (disabledReason) await updateWebhook(tx, name, { enabled: false, disabledReason, updatedAt: settled.at });
    return disabledReason ?? undefined;
  });

/** Answers since when the webhook fails; null when it doesn't. */
async function noteHealth(
  db: Db,
  { accountId, id }: { accountId: string; id: string },
  failedAt: Date | null,
): Promise<Date | null> {
  const webhook = await db
    .updateTable('webhook')
    .set({ failingSince: failedAt && sql<Date>`coalesce(failing_since, ${failedAt})` })
    .where('accountId', '=', accountId)
    .where('id', '=', id)
    .where('enabled', '=', true)
    .returning('failingSince')
    .executeTakeFirst();
  return webhook?.failingSince ?? null;
}

const whyDisabled = ({ gone, attempt, givenUpIfFailingSince }: SettledDelivery, failingSince: Date): string | undefined => {
  if (gone) return `The receiver answered ${attempt.status}: it is gone for good.`;
  return failingSince <= givenUpIfFailingSince ? `Nothing has arrived since ${failingSince.toISOString()}.` : undefined;
};
