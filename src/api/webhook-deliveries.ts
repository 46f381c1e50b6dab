/** `/v1/accounts/{account}/webhooks/{webhook}/deliveries`: how it went. */
import { getWebhook } from '../actions/manage-webhooks.ts';
import { ListQuery, listReply } from '../contract/list.ts';
import { toBatchId } from '../contract/openai/ids.ts';
import { WEBHOOK_EVENTS, WebhookDelivery } from '../contract/webhook.ts';
import { type DeliveryColumn, listDeliveries } from '../db/queries/list-deliveries.ts';
import type { WebhookDelivery as DeliveryRow } from '../db/schema.ts';
import { replyPage } from './reply-page.ts';
import { route } from './route.ts';

const columns: Readonly<Record<string, DeliveryColumn>> = {
  eventId: 'eventId',
  type: 'eventType',
  state: 'state',
  createTime: 'createdAt',
  createdTime: 'createdAt',
  nextAttemptTime: 'nextAttemptAt',
};
const kinds = { nextAttemptTime: 'time' } as const;

/** A delivery as it is answered. */
export const toDeliveryReply = (delivery: DeliveryRow): WebhookDelivery => ({
  eventId: delivery.eventId,
  type: WEBHOOK_EVENTS.find((type) => type === delivery.eventType) ?? 'batch.completed',
  batchId: toBatchId(delivery.jobId),
  state: delivery.state,
  createTime: delivery.createdAt.toISOString(),
  nextAttemptTime: delivery.nextAttemptAt?.toISOString() ?? null,
  attempts: delivery.attempts.map(({ at, status, ...rest }) => ({ time: at, statusCode: status, ...rest })),
});

const list = route({
  method: 'get',
  path: '/v1/accounts/{account_id}/webhooks/{webhook_id}/deliveries',
  tag: 'Webhooks',
  operationId: 'listWebhookDeliveries',
  summary: 'List what was sent to a webhook and how each attempt went, newest first',
  query: ListQuery,
  reply: listReply('deliveries', WebhookDelivery),
  handle: async ({ context, caller, query, params }) => {
    const { id } = await getWebhook(context, caller, params['webhook_id'] ?? '');
    return replyPage('deliveries', query, {
      collection: `webhooks/${id}/deliveries`,
      accountId: caller.accountId,
      columns,
      kinds,
      take: (page) => listDeliveries(context.store.db, page, id),
      toReply: toDeliveryReply,
    });
  },
});

/** Every route of the resource. */
export const deliveryRoutes = [list];
