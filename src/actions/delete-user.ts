import { deleteUser as deleteUserRow } from '../db/queries/delete-user.ts';
import { lockAccount } from '../db/queries/lock-account.ts';
import { checkAdminStays } from './check-user.ts';
import type { Context, KeyCaller } from './context.ts';
import { getUser } from './get-user.ts';

/** Removes a user; their keys stop working at once. What they made stays. */
export async function deleteUser(context: Context, caller: KeyCaller, name: string): Promise<void> {
  await context.store.db.transaction().execute(async (tx) => {
    await lockAccount(tx, caller.accountId);
    const user = await getUser({ ...context, store: { ...context.store, db: tx } }, caller, name);
    await checkAdminStays(tx, user);
    await deleteUserRow(tx, user);
  });
}
