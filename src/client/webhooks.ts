/** Addresses that are told when jobs end. */
import type { z } from 'zod';
import type { CreateWebhookRequest, UpdateWebhookRequest, Webhook, WebhookDelivery } from '../contract/webhook.ts';
import { type Listing, type ListOptions, makeListing } from './pages.ts';
import { makeResource, type Resource } from './resource.ts';
import type { CallOptions, Transport } from './transport.ts';

/** A webhook as it is asked for. */
export type NewWebhook = z.input<typeof CreateWebhookRequest>;
/** What of a webhook can change. */
export type WebhookPatch = z.input<typeof UpdateWebhookRequest>;

/** How to make a webhook. */
export interface CreateWebhookOptions extends CallOptions {
  /** The new webhook's id. Default: made up. */
  readonly id?: string | undefined;
}

/** `client.webhooks`; only admins may change them. What arrives is checked with `client.webhooks.unwrap` of the package `openai`, or with `standardwebhooks`. */
export interface Webhooks extends Resource<Webhook, WebhookPatch> {
  /** Makes a webhook. Its `secret` is in this reply and never again, so a call whose reply is lost is not repeated: nobody would get to know the secret. */
  create(webhook: NewWebhook, options?: CreateWebhookOptions): Promise<Webhook>;
  /** Sends a made-up event; `deliveries` says how it went. */
  test(name: string, type?: WebhookDelivery['type'], options?: CallOptions): Promise<WebhookDelivery>;
  /** Replaces the secret; the reply shows the new one, once. The old one stops at once unless it is kept for 24 hours. */
  rotateSecret(name: string, options?: CallOptions & { readonly keepOldSecretActiveFor24Hours?: boolean }): Promise<Webhook>;
  /** What was sent and how each attempt went, newest first. */
  deliveries(name: string, options?: ListOptions): Listing<WebhookDelivery>;
}

/** Makes `client.webhooks`. */
export function makeWebhooks(transport: Transport): Webhooks {
  const resource = makeResource<Webhook, WebhookPatch>(transport, 'webhooks');
  const { path, pathOf } = resource;
  return {
    ...resource,
    create: (body, { id: webhookId, signal } = {}) =>
      transport.request({ method: 'POST', path, query: { webhookId }, body, signal }),
    test: (name, type, { signal } = {}) =>
      transport.request({ method: 'POST', path: `${pathOf(name)}:test`, body: { type }, signal, isRepeatable: true }),
    rotateSecret: (name, { signal, ...body } = {}) =>
      transport.request({ method: 'POST', path: `${pathOf(name)}:rotateSecret`, body, signal }),
    deliveries: (name, options) =>
      makeListing(transport, { path: `${pathOf(name)}/deliveries`, collection: 'deliveries' }, options),
  };
}
