import { randomUUID } from 'node:crypto';
import { Problem } from '../base/problem.ts';
import type { WebhookEventType } from '../contract/webhook.ts';
import { insertDelivery } from '../db/queries/insert-delivery.ts';
import type { WebhookDelivery } from '../db/schema.ts';
import type { Caller, Context } from './context.ts';
import { getWebhook } from './manage-webhooks.ts';

/** What a made-up event is about. */
const NO_JOB = 'test';

/** Sends a made-up event on its way, whatever the webhook listens to. It is delivered like any other; the log says how that went. */
export async function testWebhook(
  context: Context,
  caller: Caller,
  { name, type }: { readonly name: string; readonly type: WebhookEventType },
): Promise<WebhookDelivery> {
  const { accountId, id, enabled } = await getWebhook(context, caller, name);
  if (!enabled) throw switchedOff(id);
  return insertDelivery(context.store.db, {
    accountId,
    webhookId: id,
    eventId: `evt_${randomUUID().replaceAll('-', '')}`,
    eventType: type,
    jobId: NO_JOB,
    createdAt: context.clock.now(),
  });
}

const switchedOff = (id: string): Problem =>
  new Problem('FAILED_PRECONDITION', `Webhook "${id}" is switched off: set enabled to true first.`, {
    reason: 'WEBHOOK_DISABLED',
  });
