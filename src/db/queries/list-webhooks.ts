import type { Webhook } from '../schema.ts';
import type { Db } from '../store.ts';
import type { Page } from './page.ts';
import { type TakenPage, takePage } from './take-page.ts';

/** What a list of webhooks can be ordered and narrowed by. */
export type WebhookColumn = 'id' | 'displayName' | 'url' | 'enabled' | 'failingSince' | 'createdBy' | 'createdAt' | 'updatedAt';

/** One page of an account's webhooks, by name unless the page says otherwise. */
export const listWebhooks = (db: Db, page: Page<WebhookColumn>): Promise<TakenPage<Webhook>> =>
  takePage<Webhook, WebhookColumn>(db, db.selectFrom('webhook').selectAll(), { page, last: [{ column: 'id' }] });
