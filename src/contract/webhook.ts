/** Webhooks on the wire: who is told when a job ends, and how that went. */
import { z } from 'zod';
import { readOnly, Timestamp } from './json.ts';
import { ID_RULE } from './names.ts';

/** What can be heard of: OpenAI's names, for jobs of both dialects. */
export const WEBHOOK_EVENTS = ['batch.completed', 'batch.failed', 'batch.expired', 'batch.cancelled'] as const;
export type WebhookEventType = (typeof WEBHOOK_EVENTS)[number];

/** What is posted to a webhook, signed as standardwebhooks.com describes. */
export interface WebhookEvent {
  /** The same at every attempt, also in the header `webhook-id`. */
  readonly id: string;
  readonly object: 'event';
  readonly type: WebhookEventType;
  /** When the job ended, in seconds since 1970. */
  readonly created_at: number;
  /** `batch_` and the job's id. */
  readonly data: { readonly id: string };
}

const MOST_URL = 2_048;

const fields = {
  displayName: z.string().max(63).describe('Label for people, fewer than 64 characters'),
  url: z.string().max(MOST_URL).describe('Where events are posted: http or https, without a user name or a password'),
  events: z
    .array(z.enum(WEBHOOK_EVENTS))
    .min(1)
    .refine((events) => new Set(events).size === events.length, 'expected each event once')
    .describe('Which ends of jobs it hears of'),
  enabled: z
    .boolean()
    .describe(
      'False: nothing is sent, what waits is given up, and what happens meanwhile is not told later. True clears `disabledReason`',
    ),
};

/** A webhook as it is answered. */
export const Webhook = z
  .object({
    name: z.string().describe('`accounts/{account}/webhooks/{id}`'),
    ...fields,
    secret: z
      .string()
      .describe(
        "What signatures are checked with: `whsec_…`, in the reply of a create and of `:rotateSecret` and never again; empty elsewhere. The server keeps it nowhere: it is made anew from a random salt and the server's own secret, which is not in the database",
      ),
    disabledReason: z.string().describe('Why the server switched it off; empty when it did not'),
    failingSince: Timestamp.nullable().describe(
      'The first failed attempt since the last that went well; null when there is none',
    ),
    createdBy: z.string().describe('Who made it'),
    createTime: Timestamp.describe('When it was made'),
    updateTime: Timestamp.describe('When it last changed'),
  })
  .meta({
    id: 'Webhook',
    description:
      'An address that is told when jobs end, signed as standardwebhooks.com describes. Every event arrives at least once; `webhook-id` tells a repetition. An answer of 410, or 5 days of nothing but failures, switches it off',
  });
export type Webhook = z.output<typeof Webhook>;

const server = readOnly('name', 'secret', 'disabledReason', 'failingSince', 'createdBy', 'createTime', 'updateTime');

/** Body of a create. */
export const CreateWebhookRequest = z
  .strictObject({
    displayName: fields.displayName.optional().describe('Label for people; empty when absent'),
    url: fields.url,
    events: fields.events.optional().describe('Which ends of jobs it hears of; all when absent'),
    enabled: fields.enabled.optional().describe('Whether it is told anything; true when absent'),
    ...server,
  })
  .meta({ id: 'CreateWebhookRequest', description: 'A new webhook' });

/** Query of a create. */
export const CreateWebhookQuery = z.object({
  webhookId: z.string().optional().describe(`The new webhook's id: ${ID_RULE}. Made up when absent`),
});

/** Body of an update. */
export const UpdateWebhookRequest = z
  .strictObject({
    displayName: fields.displayName.optional(),
    url: fields.url.optional(),
    events: fields.events.optional(),
    enabled: fields.enabled.optional(),
    ...server,
  })
  .meta({ id: 'UpdateWebhookRequest', description: 'What is to change of a webhook; what is absent stays' });

/** Body of `:test`. */
export const TestWebhookRequest = z
  .strictObject({ type: z.enum(WEBHOOK_EVENTS).optional().describe('Which event to send; `batch.completed` when absent') })
  .meta({ id: 'TestWebhookRequest', description: 'A made-up event' });

/** Body of `:rotateSecret`. */
export const RotateSecretRequest = z
  .strictObject({
    keepOldSecretActiveFor24Hours: z
      .boolean()
      .optional()
      .describe('Whether the secret so far signs along for 24 hours, so that receivers can change over; false when absent'),
  })
  .meta({ id: 'RotateSecretRequest', description: 'How a secret is to be replaced' });

const WebhookAttempt = z
  .object({
    time: Timestamp.describe('When it began'),
    statusCode: z.int().nullable().describe('HTTP status that was answered; null when nothing was'),
    durationMs: z.int().describe('How long it took, in milliseconds'),
    error: z.string().describe('Why it failed; empty when it did not'),
    response: z.string().describe('The beginning of what was answered, at most 1 KB'),
  })
  .meta({ id: 'WebhookAttempt', description: 'One try to deliver an event' });

/** A delivery as it is answered. */
export const WebhookDelivery = z
  .object({
    eventId: z.string().describe('The event: `evt_…`, as in the header `webhook-id` of every attempt'),
    type: z.enum(WEBHOOK_EVENTS).describe('What happened'),
    batchId: z.string().describe('What it happened to: `batch_` and the id of the job'),
    state: z
      .enum(['PENDING', 'DELIVERED', 'FAILED'])
      .describe(
        '`PENDING` until an attempt goes well (any 2xx) or none is left: they are made for 24 hours, further and further apart',
      ),
    createTime: Timestamp.describe('When it happened'),
    nextAttemptTime: Timestamp.nullable().describe(
      'When it is tried next; null means at once, or never again when it is not `PENDING`',
    ),
    attempts: z.array(WebhookAttempt).describe('Every try so far, oldest first'),
  })
  .meta({ id: 'WebhookDelivery', description: 'An event on its way to a webhook; kept for 30 days' });
export type WebhookDelivery = z.output<typeof WebhookDelivery>;
