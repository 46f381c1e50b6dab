/** `/v1/accounts/{account}/users/{user}/apiKeys`. */
import { z } from 'zod';
import { createKey, deleteKey, getKeyOwner } from '../actions/manage-keys.ts';
import { demand } from '../actions/permissions.ts';
import { ApiKey, CreateApiKeyRequest, DeleteApiKeyRequest } from '../contract/api-key.ts';
import { ListQuery, listReply } from '../contract/list.ts';
import { makeName } from '../contract/names.ts';
import { type ListedKey, listApiKeys } from '../db/queries/list-api-keys.ts';
import type { User } from '../db/schema.ts';
import { replyPage } from './reply-page.ts';
import { type Call, route } from './route.ts';

const COLLECTION = '/v1/accounts/{account_id}/users/{user_id}/apiKeys';
/** In place of a user's id: the keys of everybody. */
const EVERYBODY = '-';
const tag = 'API keys';
const columns = {
  keyId: 'id',
  displayName: 'displayName',
  email: 'email',
  prefix: 'prefix',
  createTime: 'createdAt',
  createdTime: 'createdAt',
  expireTime: 'expiresAt',
  lastUsed: 'lastUsedAt',
} as const;
const kinds = { lastUsed: 'time' } as const;
const userOf = ({ params }: Call<unknown, unknown>): string => params['user_id'] ?? '';

const toReply = (stored: ListedKey, key = ''): ApiKey => ({
  keyId: stored.id,
  displayName: stored.displayName,
  key,
  createTime: stored.createdAt.toISOString(),
  secure: true,
  email: stored.email,
  prefix: stored.prefix,
  expireTime: stored.expiresAt?.toISOString() ?? null,
  annotations: stored.annotations,
  lastUsed: stored.lastUsedAt?.toISOString() ?? null,
});

/** What the audit log calls a key. */
const keyName = ({ accountId, id }: User, keyId: string): string => `${makeName(accountId, 'users', id)}/apiKeys/${keyId}`;

const create = route({
  method: 'post',
  path: COLLECTION,
  tag,
  needs: 'look',
  summary: 'Create an API key; the reply is the only place that ever shows it',
  once: { hides: 'key' },
  body: CreateApiKeyRequest,
  reply: ApiKey,
  handle: async (call) => {
    const { displayName = 'default', expireTime, annotations } = call.body.apiKey ?? {};
    const wish = { user: userOf(call), displayName, expiresAt: expireTime, annotations };
    const { key, stored, owner } = await createKey(call.context, call.caller, wish);
    call.http.set('subject', keyName(owner, stored.id));
    return toReply({ ...stored, email: owner.email }, key);
  },
});

const list = route({
  method: 'get',
  path: COLLECTION,
  tag,
  summary: 'List the API keys of a user; `me` means your own, `-` those of everybody',
  query: ListQuery,
  reply: listReply('apiKeys', ApiKey),
  handle: async (call) => {
    const { accountId } = call.caller;
    const owner = await ownerOf(call);
    return replyPage('apiKeys', call.query, {
      collection: `users/${owner ?? EVERYBODY}/apiKeys`,
      accountId,
      columns,
      kinds,
      take: (page) => listApiKeys(call.context.store.db, page, owner),
      toReply: (key) => toReply(key),
    });
  },
});

/** Undefined for everybody. */
const ownerOf = async (call: Call<unknown, unknown>): Promise<string | undefined> => {
  if (userOf(call) !== EVERYBODY) return (await getKeyOwner(call.context, call.caller, userOf(call))).id;
  demand(call.caller, 'administer');
  return undefined;
};

const remove = route({
  method: 'post',
  path: `${COLLECTION}/@delete`,
  tag,
  needs: 'look',
  summary: 'Delete an API key; it stops working at once',
  body: DeleteApiKeyRequest,
  reply: z.object({}),
  handle: async (call) => {
    const { keyId } = call.body;
    call.http.set('subject', keyName(await deleteKey(call.context, call.caller, { user: userOf(call), keyId }), keyId));
    return {};
  },
});

/** Every route of the resource. */
export const apiKeyRoutes = [create, list, remove];
