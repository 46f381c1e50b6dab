import type { WebhookDelivery } from '../schema.ts';
import type { Db } from '../store.ts';
import type { Page } from './page.ts';
import { type TakenPage, takePage } from './take-page.ts';

/** What the log of a webhook can be ordered and narrowed by. */
export type DeliveryColumn = 'id' | 'eventId' | 'eventType' | 'jobId' | 'state' | 'createdAt' | 'nextAttemptAt';

/** One page of a webhook's deliveries, newest first unless the page says otherwise. */
export const listDeliveries = (db: Db, page: Page<DeliveryColumn>, webhookId: string): Promise<TakenPage<WebhookDelivery>> =>
  takePage<WebhookDelivery, DeliveryColumn>(db, db.selectFrom('webhookDelivery').selectAll().where('webhookId', '=', webhookId), {
    page,
    last: [{ column: 'id', descending: true }],
  });
