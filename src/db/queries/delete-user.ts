import type { User } from '../schema.ts';
import type { Db } from '../store.ts';

/** Removes a user with all keys. False when there was none. */
export async function deleteUser(db: Db, { accountId, id }: Pick<User, 'accountId' | 'id'>): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('accountUser')
    .where('accountId', '=', accountId)
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}
