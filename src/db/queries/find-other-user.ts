import type { User } from '../schema.ts';
import type { Db } from '../store.ts';

/** Anybody else of the account whom this holds for: another admin, somebody else with this address in whatever case. */
export async function findOtherUser(
  db: Db,
  { accountId, id }: Pick<User, 'accountId' | 'id'>,
  holds: Partial<Pick<User, 'role' | 'email'>>,
): Promise<string | undefined> {
  const others = db.selectFrom('accountUser').select('id').where('accountId', '=', accountId).where('id', '!=', id);
  const sameRole = holds.role === undefined ? others : others.where('role', '=', holds.role);
  const { email } = holds;
  const same =
    email === undefined ? sameRole : sameRole.where(({ eb, fn }) => eb(fn('lower', ['email']), '=', email.toLowerCase()));
  return (await same.limit(1).executeTakeFirst())?.id;
}
