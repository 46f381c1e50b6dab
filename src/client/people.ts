/** Accounts, their users, the users' API keys, and what an account may use. */
import type { z } from 'zod';
import type { Account } from '../contract/account.ts';
import type { ApiKey, CreateApiKeyRequest } from '../contract/api-key.ts';
import type { Quota, UpdateQuotaRequest } from '../contract/quota.ts';
import type { CreateUserRequest, UpdateUserRequest, User } from '../contract/user.ts';
import { type Listing, type ListOptions, makeListing } from './pages.ts';
import { type GetOptions, makeResource, type Resource } from './resource.ts';
import { type CallOptions, type CreateOptions, makeWord, type Transport } from './transport.ts';

/** `client.accounts`. */
export interface Accounts {
  /** The key's own account without a name. */
  get(name?: string, options?: GetOptions): Promise<Account>;
  list(options?: ListOptions): Listing<Account>;
}

/** Makes `client.accounts`. */
export const makeAccounts = (transport: Transport): Accounts => ({
  get: (name = transport.accountId, { signal, readMask } = {}) =>
    transport.request({
      method: 'GET',
      path: `/v1/accounts/${encodeURIComponent(name.replace(/^accounts\//, ''))}`,
      query: { readMask },
      signal,
    }),
  list: (options) => makeListing(transport, { path: '/v1/accounts', collection: 'accounts' }, options),
});

/** A user as it is asked for. */
export type NewUser = z.input<typeof CreateUserRequest>;
/** What of a user can change. */
export type UserPatch = z.input<typeof UpdateUserRequest>;

/** How to make a user. */
export interface CreateUserOptions extends CreateOptions {
  /** The new user's id. Default: made from the address. */
  readonly id?: string | undefined;
}

/** `client.users`; only admins may use most of it. */
export interface Users extends Resource<User, UserPatch> {
  create(user: NewUser, options?: CreateUserOptions): Promise<User>;
}

/** Makes `client.users`. */
export function makeUsers(transport: Transport): Users {
  const resource = makeResource<User, UserPatch>(transport, 'users');
  return {
    ...resource,
    create: (body, { id: userId, signal, idempotencyKey = makeWord() } = {}) =>
      transport.request({ method: 'POST', path: resource.path, query: { userId }, body, signal, idempotencyKey }),
  };
}

/** A key as it is asked for. */
export type NewApiKey = NonNullable<z.input<typeof CreateApiKeyRequest>['apiKey']>;

/** `client.apiKeys`: `user` is a full name or an id. */
export interface ApiKeys {
  /** Makes a key. Its `key` is in this reply and never again, so a call whose reply is lost is not repeated: nobody would get to know the key. */
  create(user: string, apiKey?: NewApiKey, options?: CallOptions): Promise<ApiKey>;
  list(user: string, options?: ListOptions): Listing<ApiKey>;
  delete(user: string, keyId: string, options?: CallOptions): Promise<void>;
}

/** Makes `client.apiKeys`. */
export function makeApiKeys(transport: Transport): ApiKeys {
  const users = makeResource<User, UserPatch>(transport, 'users');
  const pathOf = (user: string) => `${users.pathOf(user)}/apiKeys`;
  return {
    create: (user, apiKey = {}, { signal } = {}) =>
      transport.request({ method: 'POST', path: pathOf(user), body: { apiKey }, signal }),
    list: (user, options) => makeListing(transport, { path: pathOf(user), collection: 'apiKeys' }, options),
    delete: async (user, keyId, { signal } = {}) => {
      await transport.request({ method: 'POST', path: `${pathOf(user)}:delete`, body: { keyId }, signal });
    },
  };
}

/** What of a quota can change: its value. */
export type QuotaPatch = z.input<typeof UpdateQuotaRequest>;

/** `client.quotas`. */
export type Quotas = Omit<Resource<Quota, QuotaPatch>, 'delete'>;

/** Makes `client.quotas`. */
export function makeQuotas(transport: Transport): Quotas {
  const { delete: _, ...resource } = makeResource<Quota, QuotaPatch>(transport, 'quotas');
  return resource;
}
