import type { User } from '../schema.ts';
import type { Db } from '../store.ts';

export type UserChanges = Partial<Pick<User, 'displayName' | 'email' | 'role' | 'permissionPreset'>> & {
  readonly updatedAt: Date;
};

/** Undefined when there is no such user. */
export const updateUser = (
  db: Db,
  { accountId, id }: Pick<User, 'accountId' | 'id'>,
  changes: UserChanges,
): Promise<User | undefined> =>
  db
    .updateTable('accountUser')
    .set(changes)
    .where('accountId', '=', accountId)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
