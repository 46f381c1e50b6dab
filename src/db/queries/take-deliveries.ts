/** Hands deliveries that are due to one process at a time, with what it takes to send them. */
import { sql } from 'kysely';
import type { Webhook, WebhookDelivery } from '../schema.ts';
import type { Db } from '../store.ts';

export interface DeliveryTaking {
  readonly now: Date;
  /** What comes back by itself after this, as when the process has died. */
  readonly leasedUntil: Date;
  readonly most: number;
  /** In the hands of all processes together: a receiver that is slow, or an account with many such, takes no more places than these. */
  readonly mostOfWebhook: number;
  readonly mostOfAccount: number;
}

/** A delivery and where it goes. */
export type DueDelivery = WebhookDelivery & Pick<Webhook, 'url' | 'salt' | 'oldSalt' | 'oldSaltUntil'>;

/** Leases what is due, oldest first. */
export async function takeDeliveries(db: Db, taking: DeliveryTaking): Promise<readonly DueDelivery[]> {
  const { now, leasedUntil, most } = taking;
  if (most === 0) return [];
  const taken = await db
    .updateTable('webhookDelivery')
    .from('webhook')
    .set({ leasedUntil })
    .whereRef('webhook.accountId', '=', 'webhookDelivery.accountId')
    .whereRef('webhook.id', '=', 'webhookDelivery.webhookId')
    .where('webhookDelivery.id', 'in', (from) =>
      from
        .selectFrom('webhookDelivery as due')
        .select('due.id')
        .where('due.id', 'in', sql<number>`(${placed(taking)})`)
        .where(sql<boolean>`(due.leased_until is null or due.leased_until <= ${now})`)
        .orderBy('due.id')
        .limit(most)
        .forUpdate()
        .skipLocked(),
    )
    .returningAll('webhookDelivery')
    .returning(['webhook.url', 'webhook.salt', 'webhook.oldSalt', 'webhook.oldSaltUntil'])
    .execute();
  return taken.toSorted((one, other) => one.id - other.id);
}

/** The deliveries that have a place among their webhook's and their account's: those in somebody's hands first, then the oldest. */
const placed = ({ now, mostOfWebhook, mostOfAccount }: DeliveryTaking) => sql`
  with due as (
    select id, account_id, webhook_id, coalesce(leased_until > ${now}, false) as held from webhook_delivery
     where state = 'PENDING' and (next_attempt_at is null or next_attempt_at <= ${now})
  ), of_webhook as (
    select *, row_number() over (partition by account_id, webhook_id order by held desc, id) as place from due
  ), of_account as (
    select id, row_number() over (partition by account_id order by held desc, place, id) as place from of_webhook where place <= ${mostOfWebhook}
  )
  select id from of_account where place <= ${mostOfAccount}`;
