import { Problem } from '../base/problem.ts';
import { findUser } from '../db/queries/find-user.ts';
import { insertUser } from '../db/queries/insert-user.ts';
import { lockAccount } from '../db/queries/lock-account.ts';
import type { User } from '../db/schema.ts';
import { checkEmail, checkUser } from './check-user.ts';
import type { Context, KeyCaller } from './context.ts';
import { checkedId } from './own-id.ts';

/** What a caller wants. */
export type UserWish = Partial<Pick<User, 'id' | 'displayName' | 'email' | 'role' | 'permissionPreset' | 'serviceAccount'>>;

const MOST_ID = 63;

/** Makes a user of the caller's account: a person, or a program when it is a service account. */
export async function createUser({ store, clock }: Context, { accountId }: KeyCaller, wish: UserWish): Promise<User> {
  const at = clock.now();
  const user: User = {
    accountId,
    id: checkedId(wish.id ?? toId(wish.email ?? ''), { collection: 'users' }),
    displayName: wish.displayName ?? '',
    email: wish.email ?? '',
    role: wish.role ?? 'user',
    permissionPreset: wish.permissionPreset ?? '',
    serviceAccount: wish.serviceAccount ?? false,
    createdAt: at,
    updatedAt: at,
  };
  checkUser(user);
  return store.db.transaction().execute(async (tx) => {
    await lockAccount(tx, accountId);
    await checkEmail(tx, user);
    if ((await findUser(tx, accountId, user.id)) !== undefined) throw taken(user.id);
    return (await insertUser(tx, user)) ?? user;
  });
}

/** `Ada.Lovelace@example.com` becomes `ada-lovelace`. */
const toId = (email: string): string => {
  const [local = ''] = email.toLowerCase().split('@');
  const id = local
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, MOST_ID)
    .replace(/-+$/, '');
  if (id !== '') return id;
  throw new Problem('INVALID_ARGUMENT', 'userId is required where no id can be made from an email address.', {
    reason: 'FIELD_REQUIRED',
    details: { field: 'userId' },
  });
};

const taken = (id: string): Problem =>
  new Problem('ALREADY_EXISTS', `There is a user "${id}" already. Choose another id: ?userId=…`, {
    reason: 'USER_EXISTS',
    details: { userId: id },
  });
