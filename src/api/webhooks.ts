/** `/v1/accounts/{account}/webhooks`. */
import { z } from 'zod';
import {
  createWebhook,
  deleteWebhook,
  getWebhook,
  rotateSecret,
  type ShownWebhook,
  updateWebhook,
} from '../actions/manage-webhooks.ts';
import { testWebhook } from '../actions/test-webhook.ts';
import { ListQuery, listReply, ReadQuery } from '../contract/list.ts';
import { makeName } from '../contract/names.ts';
import {
  CreateWebhookQuery,
  CreateWebhookRequest,
  RotateSecretRequest,
  TestWebhookRequest,
  UpdateWebhookRequest,
  Webhook,
  WebhookDelivery,
} from '../contract/webhook.ts';
import { listWebhooks } from '../db/queries/list-webhooks.ts';
import type { Webhook as WebhookRow } from '../db/schema.ts';
import { TRUTH } from './list-filter.ts';
import { applyMask } from './read-mask.ts';
import { replyPage } from './reply-page.ts';
import { type Call, route } from './route.ts';
import { deliveryRoutes, toDeliveryReply } from './webhook-deliveries.ts';

const COLLECTION = '/v1/accounts/{account_id}/webhooks';
const ONE = `${COLLECTION}/{webhook_id}`;
const tag = 'Webhooks';
const columns = {
  name: 'id',
  displayName: 'displayName',
  url: 'url',
  enabled: 'enabled',
  failingSince: 'failingSince',
  createdBy: 'createdBy',
  createTime: 'createdAt',
  createdTime: 'createdAt',
  updateTime: 'updatedAt',
} as const;
const kinds = { enabled: TRUTH, failingSince: 'time' } as const;
const idOf = ({ params }: Call<unknown, unknown>): string => params['webhook_id'] ?? '';

const toReply = (webhook: WebhookRow, secret = ''): Webhook => ({
  name: makeName(webhook.accountId, 'webhooks', webhook.id),
  displayName: webhook.displayName,
  url: webhook.url,
  events: webhook.events as Webhook['events'], // Only such are stored.
  enabled: webhook.enabled,
  secret,
  disabledReason: webhook.disabledReason,
  failingSince: webhook.failingSince?.toISOString() ?? null,
  createdBy: webhook.createdBy,
  createTime: webhook.createdAt.toISOString(),
  updateTime: webhook.updatedAt.toISOString(),
});
const toShown = ({ webhook, secret }: ShownWebhook): Webhook => toReply(webhook, secret);

/** The fields of a body that a webhook is made of or changed by. */
const toWish = ({ displayName, url, events, enabled }: z.output<typeof UpdateWebhookRequest>) => ({
  ...(displayName !== undefined && { displayName }),
  ...(url !== undefined && { url }),
  ...(events !== undefined && { events }),
  ...(enabled !== undefined && { enabled }),
});

const create = route({
  method: 'post',
  path: COLLECTION,
  tag,
  needs: 'administer',
  summary: 'Create a webhook; the reply shows its secret, once',
  once: { hides: 'secret' },
  query: CreateWebhookQuery,
  body: CreateWebhookRequest,
  reply: Webhook,
  handle: async ({ context, caller, query: { webhookId }, body }) =>
    toShown(await createWebhook(context, caller, { ...toWish(body), ...(webhookId && { id: webhookId }) })),
});

const list = route({
  method: 'get',
  path: COLLECTION,
  tag,
  summary: 'List webhooks',
  query: ListQuery,
  reply: listReply('webhooks', Webhook),
  handle: ({ context, caller: { accountId }, query }) =>
    replyPage('webhooks', query, { accountId, columns, kinds, take: (page) => listWebhooks(context.store.db, page), toReply }),
});

const get = route({
  method: 'get',
  path: ONE,
  tag,
  summary: 'Get a webhook',
  query: ReadQuery,
  reply: Webhook,
  handle: async (call) => applyMask(toReply(await getWebhook(call.context, call.caller, idOf(call))), call.query.readMask),
});

const update = route({
  method: 'patch',
  path: ONE,
  tag,
  needs: 'administer',
  summary: 'Change a webhook, or switch it on again',
  body: UpdateWebhookRequest,
  reply: Webhook,
  handle: async (call) => toReply(await updateWebhook(call.context, call.caller, { id: idOf(call), ...toWish(call.body) })),
});

const remove = route({
  method: 'delete',
  path: ONE,
  tag,
  needs: 'administer',
  summary: 'Delete a webhook with its log',
  reply: z.object({}),
  handle: async (call) => {
    await deleteWebhook(call.context, call.caller, idOf(call));
    return {};
  },
});

const test = route({
  method: 'post',
  path: `${ONE}/@test`,
  tag,
  needs: 'administer',
  summary: 'Send a made-up event; the log says how it went',
  body: TestWebhookRequest,
  reply: WebhookDelivery,
  handle: async (call) => {
    const wish = { name: idOf(call), type: call.body.type ?? 'batch.completed' };
    return toDeliveryReply(await testWebhook(call.context, call.caller, wish));
  },
});

const rotate = route({
  method: 'post',
  path: `${ONE}/@rotateSecret`,
  tag,
  needs: 'administer',
  summary: 'Replace the secret; the reply shows the new one, once',
  once: { hides: 'secret' },
  body: RotateSecretRequest,
  reply: Webhook,
  handle: async (call) => {
    const wish = { name: idOf(call), keepOld: call.body.keepOldSecretActiveFor24Hours ?? false };
    return toShown(await rotateSecret(call.context, call.caller, wish));
  },
});

/** Every route of the resource. */
export const webhookRoutes = [create, list, get, update, remove, test, rotate, ...deliveryRoutes];
