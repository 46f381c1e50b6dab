/** Webhooks of an account: made, found, changed, given a new secret, deleted. */
import { makeId, makeSecret } from '../base/ids.ts';
import { Problem } from '../base/problem.ts';
import { makeName } from '../contract/names.ts';
import { WEBHOOK_EVENTS } from '../contract/webhook.ts';
import { countWebhooks } from '../db/queries/count-webhooks.ts';
import { deleteWebhook as deleteWebhookRow } from '../db/queries/delete-webhook.ts';
import { findWebhook } from '../db/queries/find-webhook.ts';
import { insertWebhook } from '../db/queries/insert-webhook.ts';
import { lockAccount } from '../db/queries/lock-account.ts';
import { updateWebhook as updateWebhookRow } from '../db/queries/update-webhook.ts';
import type { Webhook } from '../db/schema.ts';
import { makeWebhookSecret } from '../jobs/webhook-secret.ts';
import { checkWebhookUrl } from './check-webhook-url.ts';
import type { Caller, Context } from './context.ts';
import type { Links } from './link-download.ts';
import { checkedId, ownId } from './own-id.ts';

/** Every end of a job is told to each of them. */
const MOST_WEBHOOKS = 20;
const OLD_SECRET_MS = 24 * 3_600_000;

/** What a caller wants; what is absent stays, or is as usual. */
export type WebhookWish = Partial<Pick<Webhook, 'id' | 'displayName' | 'url' | 'events' | 'enabled'>>;

/** With what secrets are made. */
export interface SecretContext extends Context {
  readonly links: Pick<Links, 'secret'>;
}

/** A webhook and its secret, which is shown now and never again. */
export interface ShownWebhook {
  readonly webhook: Webhook;
  readonly secret: string;
}

/** Makes a webhook. */
export async function createWebhook(
  context: SecretContext,
  caller: Caller,
  { url = '', ...wish }: WebhookWish,
): Promise<ShownWebhook> {
  const at = context.clock.now();
  const webhook: Webhook = {
    accountId: caller.accountId,
    id: wish.id === undefined ? makeId(10) : checkedId(wish.id, { collection: 'webhooks' }),
    displayName: wish.displayName ?? '',
    url: checkWebhookUrl(url, context.limits),
    events: wish.events ?? WEBHOOK_EVENTS,
    salt: makeSecret(),
    oldSalt: null,
    oldSaltUntil: null,
    enabled: wish.enabled ?? true,
    disabledReason: '',
    failingSince: null,
    createdBy: caller.name,
    createdAt: at,
    updatedAt: at,
  };
  await context.store.db.transaction().execute(async (tx) => {
    await lockAccount(tx, caller.accountId);
    if ((await countWebhooks(tx, caller.accountId)) >= MOST_WEBHOOKS) throw tooMany();
    if (!(await insertWebhook(tx, webhook))) throw taken(webhook.id);
  });
  return { webhook, secret: makeWebhookSecret(context.links.secret, webhook) };
}

/** Finds a webhook of the caller's account by id or full name; NOT_FOUND when there is none. */
export async function getWebhook({ store }: Context, { accountId }: Caller, name: string): Promise<Webhook> {
  const id = ownId(accountId, 'webhooks', name);
  return (await findWebhook(store.db, accountId, id)) ?? notFound(accountId, id);
}

/** Changes a webhook; what is absent stays. Switching it on forgives what failed before. */
export async function updateWebhook(context: Context, caller: Caller, { id: name = '', ...wish }: WebhookWish): Promise<Webhook> {
  const { accountId, id } = await getWebhook(context, caller, name);
  const { url, ...rest } = Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== undefined)) as WebhookWish; // Forgets the keys.
  const changes = {
    ...rest,
    ...(url !== undefined && { url: checkWebhookUrl(url, context.limits) }),
    ...(wish.enabled === true && { disabledReason: '', failingSince: null }),
    updatedAt: context.clock.now(),
  };
  return (await updateWebhookRow(context.store.db, { accountId, id }, changes)) ?? notFound(accountId, id);
}

/** Gives a webhook a new secret. The old one stops at once, or signs along for a day. */
export async function rotateSecret(
  context: SecretContext,
  caller: Caller,
  { name, keepOld }: { readonly name: string; readonly keepOld: boolean },
): Promise<ShownWebhook> {
  const { accountId, id, salt: oldSalt } = await getWebhook(context, caller, name);
  const at = context.clock.now();
  const old = keepOld ? { oldSalt, oldSaltUntil: new Date(at.getTime() + OLD_SECRET_MS) } : { oldSalt: null, oldSaltUntil: null };
  const changes = { salt: makeSecret(), ...old, updatedAt: at };
  const webhook = (await updateWebhookRow(context.store.db, { accountId, id }, changes)) ?? notFound(accountId, id);
  return { webhook, secret: makeWebhookSecret(context.links.secret, webhook) };
}

/** Deletes a webhook with its log. */
export async function deleteWebhook({ store }: Context, { accountId }: Caller, name: string): Promise<void> {
  const id = ownId(accountId, 'webhooks', name);
  if (!(await deleteWebhookRow(store.db, { accountId, id }))) notFound(accountId, id);
}

const notFound = (accountId: string, id: string): never => {
  throw new Problem('NOT_FOUND', `resource not found: ${makeName(accountId, 'webhooks', id)}`, { reason: 'WEBHOOK_NOT_FOUND' });
};

const taken = (id: string): Problem =>
  new Problem('ALREADY_EXISTS', `There is a webhook "${id}" already. Choose another id: ?webhookId=…`, {
    reason: 'WEBHOOK_EXISTS',
    details: { webhookId: id },
  });

const tooMany = (): Problem =>
  new Problem('RESOURCE_EXHAUSTED', `An account has at most ${MOST_WEBHOOKS} webhooks. Delete one first.`, {
    reason: 'TOO_MANY_WEBHOOKS',
    details: { most: MOST_WEBHOOKS },
  });
