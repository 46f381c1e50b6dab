/** What can be done with every resource: get, list, change, delete. */
import { type Listing, type ListOptions, makeListing } from './pages.ts';
import type { CallOptions, Transport } from './transport.ts';

/** A single read. */
export interface GetOptions extends CallOptions {
  /** Fields to answer, comma-separated. Default: all. */
  readonly readMask?: string | undefined;
}

/** A list of another account's resources, such as the public models. */
export interface AccountListOptions extends ListOptions {
  /** Whose. Default: the client's account. */
  readonly accountId?: string | undefined;
}

/** Resources of one kind. They are named in full or by bare id. */
export interface Resource<T, Patch> {
  get(name: string, options?: GetOptions): Promise<T>;
  list(options?: AccountListOptions): Listing<T>;
  /** Changes what is given; the rest stays. */
  update(name: string, patch: Patch, options?: CallOptions): Promise<T>;
  delete(name: string, options?: CallOptions): Promise<void>;
  /** `/v1/accounts/acme/datasets/in-01`. */
  pathOf(name: string): string;
  /** `/v1/accounts/acme/datasets`. */
  readonly path: string;
}

/** Makes the part of a resource that all have in common. */
export function makeResource<T, Patch>(transport: Transport, collection: string): Resource<T, Patch> {
  const pathIn = (accountId: string) => `/v1/accounts/${encodeURIComponent(accountId)}/${collection}`;
  const path = pathIn(transport.accountId);
  const pathOf = (name: string): string => {
    const [, account, id] = /^accounts\/([^/]+)\/[^/]+\/([^/]+)$/.exec(name) ?? [];
    if (account !== undefined && id !== undefined) return `${pathIn(account)}/${encodeURIComponent(id)}`;
    return `${path}/${encodeURIComponent(name)}`;
  };
  return {
    path,
    pathOf,
    get: (name, { signal, readMask } = {}) =>
      transport.request({ method: 'GET', path: pathOf(name), query: { readMask }, signal }),
    list: ({ accountId = transport.accountId, ...options } = {}) =>
      makeListing(transport, { path: pathIn(accountId), collection }, options),
    update: (name, body, { signal } = {}) => transport.request({ method: 'PATCH', path: pathOf(name), body, signal }),
    delete: async (name, { signal } = {}) => {
      await transport.request({
        method: 'DELETE',
        path: pathOf(name),
        signal,
        ifRepeated: ({ code }) => (code === 'NOT_FOUND' ? Promise.resolve({}) : undefined),
      });
    },
  };
}
