import { Problem } from '../base/problem.ts';
import { makeName } from '../contract/names.ts';
import { findUser } from '../db/queries/find-user.ts';
import type { User } from '../db/schema.ts';
import type { Context, KeyCaller } from './context.ts';
import { ownId } from './own-id.ts';

/** What a caller may write in place of its own user id. */
const OWN_USER = 'me';

/** The id that a caller means by `me` or by a user's name. */
const toUserId = ({ accountId, userId }: KeyCaller, name: string): string =>
  name === OWN_USER ? userId : ownId(accountId, 'users', name);

/** Finds a user of the caller's account by id, full name or `me`; NOT_FOUND when there is none. */
export async function getUser({ store }: Context, caller: KeyCaller, name: string): Promise<User> {
  const id = toUserId(caller, name);
  const user = await findUser(store.db, caller.accountId, id);
  if (user !== undefined) return user;
  throw new Problem('NOT_FOUND', `resource not found: ${makeName(caller.accountId, 'users', id)}`, { reason: 'USER_NOT_FOUND' });
}
