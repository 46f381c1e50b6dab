import type { User } from '../schema.ts';
import type { Db } from '../store.ts';
import type { Page } from './page.ts';
import { type TakenPage, takePage } from './take-page.ts';

/** What a list of users can be ordered and narrowed by. */
export type UserColumn = 'id' | 'displayName' | 'email' | 'role' | 'serviceAccount' | 'createdAt' | 'updatedAt';

/** One page of an account's users, by name unless the page says otherwise. */
export const listUsers = (db: Db, page: Page<UserColumn>): Promise<TakenPage<User>> =>
  takePage<User, UserColumn>(db, db.selectFrom('accountUser').selectAll(), { page, last: [{ column: 'id' }] });
