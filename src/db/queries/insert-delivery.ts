import type { WebhookDelivery } from '../schema.ts';
import type { Db } from '../store.ts';

export type NewDelivery = Omit<WebhookDelivery, 'id' | 'state' | 'attempts' | 'nextAttemptAt' | 'leasedUntil'>;

/** Puts an event on its way to one webhook. Those of jobs come by themselves, with the job's end. */
export const insertDelivery = (db: Db, delivery: NewDelivery): Promise<WebhookDelivery> =>
  db
    .insertInto('webhookDelivery')
    .values({ ...delivery, state: 'PENDING', nextAttemptAt: null, leasedUntil: null })
    .returningAll()
    .executeTakeFirstOrThrow();
