import { sql } from 'kysely';
import type { Account } from '../schema.ts';
import type { Db } from '../store.ts';
import type { Page } from './page.ts';
import { type TakenPage, takePage } from './take-page.ts';

/** What a list of accounts can be ordered and narrowed by. */
export type AccountColumn = 'id' | 'displayName' | 'email' | 'createdAt';

/** An account with the address of its first admin; null when there is none. */
export type ListedAccount = Account & { readonly email: string | null };

/** The page's own account, as a list of one. */
export const listAccounts = (db: Db, page: Page<AccountColumn>): Promise<TakenPage<ListedAccount>> =>
  takePage<ListedAccount, AccountColumn>(
    db,
    db
      .selectFrom('account')
      .selectAll()
      .select([
        sql<string>`account.id`.as('accountId'),
        (of) =>
          of
            .selectFrom('accountUser')
            .select('accountUser.email')
            .whereRef('accountUser.accountId', '=', 'account.id')
            .where('accountUser.role', '=', 'admin')
            .orderBy('accountUser.createdAt')
            .orderBy('accountUser.id')
            .limit(1)
            .as('email'),
      ]),
    { page, last: [{ column: 'id' }] },
  );
