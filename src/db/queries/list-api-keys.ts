import type { ApiKey } from '../schema.ts';
import type { Db } from '../store.ts';
import type { Page } from './page.ts';
import { type TakenPage, takePage } from './take-page.ts';

/** What a list of keys can be ordered and narrowed by. */
export type ApiKeyColumn = 'id' | 'userId' | 'email' | 'displayName' | 'prefix' | 'createdAt' | 'expiresAt' | 'lastUsedAt';

/** A key with its owner's address. */
export type ListedKey = ApiKey & { readonly email: string };

/** One page of the keys of a user, or of everybody in the account; oldest first unless the page says otherwise. */
export const listApiKeys = (db: Db, page: Page<ApiKeyColumn>, userId?: string): Promise<TakenPage<ListedKey>> => {
  const keys = db
    .selectFrom('apiKey')
    .innerJoin('accountUser as owner', (join) =>
      join.onRef('owner.accountId', '=', 'apiKey.accountId').onRef('owner.id', '=', 'apiKey.userId'),
    )
    .selectAll('apiKey')
    .select('owner.email');
  const source = userId === undefined ? keys : keys.where('apiKey.userId', '=', userId);
  return takePage<ListedKey, ApiKeyColumn>(db, source, { page, last: [{ column: 'createdAt' }, { column: 'id' }] });
};
