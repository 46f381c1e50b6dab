import { Problem } from '../base/problem.ts';
import { lockAccount } from '../db/queries/lock-account.ts';
import { updateUser as updateUserRow } from '../db/queries/update-user.ts';
import type { User } from '../db/schema.ts';
import { checkAdminStays, checkEmail, checkUser } from './check-user.ts';
import type { Context, KeyCaller } from './context.ts';
import type { UserWish } from './create-user.ts';
import { getUser } from './get-user.ts';

/** Changes labels, address or role of a user; what is absent stays. */
export async function updateUser(context: Context, caller: KeyCaller, name: string, wish: UserWish): Promise<User> {
  return context.store.db.transaction().execute(async (tx) => {
    await lockAccount(tx, caller.accountId);
    const user = await getUser({ ...context, store: { ...context.store, db: tx } }, caller, name);
    const changed = { ...user, ...toChanges(user, wish), updatedAt: context.clock.now() };
    checkUser(changed);
    await checkEmail(tx, changed);
    if (changed.role !== 'admin') await checkAdminStays(tx, user);
    const { displayName, email, role, permissionPreset, updatedAt } = changed;
    return (await updateUserRow(tx, user, { displayName, email, role, permissionPreset, updatedAt })) ?? changed;
  });
}

/** A new role that isn't `custom` takes the old preset away. */
const toChanges = (user: User, wish: UserWish): Partial<User> => {
  if (wish.serviceAccount !== undefined && wish.serviceAccount !== user.serviceAccount) throw staysWhatItIs(user);
  const set = Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== undefined));
  const dropsPreset = wish.role !== undefined && wish.role !== 'custom' && wish.permissionPreset === undefined;
  return { ...set, ...(dropsPreset && { permissionPreset: '' }) };
};

const staysWhatItIs = ({ id, serviceAccount }: User): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `User "${id}" is ${serviceAccount ? 'a service account' : 'a person'} and stays one. Create another user.`,
    { reason: 'SERVICE_ACCOUNT_FIXED', details: { field: 'serviceAccount' } },
  );
