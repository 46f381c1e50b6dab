/** API keys of users: everybody's own, and for admins those of all. */
import { Problem } from '../base/problem.ts';
import { deleteApiKey } from '../db/queries/delete-api-key.ts';
import { lockAccount } from '../db/queries/lock-account.ts';
import type { User } from '../db/schema.ts';
import type { Context, KeyCaller } from './context.ts';
import { getUser } from './get-user.ts';
import { type IssuedKey, makeKey, type NewKey } from './issue-key.ts';
import { demand } from './permissions.ts';

/** The user whose keys are meant; refused when they are another's and the caller is no admin. */
export async function getKeyOwner(context: Context, caller: KeyCaller, name: string): Promise<User> {
  const user = await getUser(context, caller, name);
  if (user.id !== caller.userId) demand(caller, 'administer');
  return user;
}

/** What the key is to be. */
export type KeyWish = Pick<NewKey, 'displayName' | 'expiresAt' | 'annotations'> & { readonly user: string };

/** Makes a key. It is in the answer and nowhere else. */
export async function createKey(
  context: Context,
  caller: KeyCaller,
  { user, ...wish }: KeyWish,
): Promise<IssuedKey & { readonly owner: User }> {
  if (wish.expiresAt !== undefined && wish.expiresAt <= context.clock.now()) throw inThePast(wish.expiresAt);
  return context.store.db.transaction().execute(async (tx) => {
    await lockAccount(tx, caller.accountId);
    const within = { ...context, store: { ...context.store, db: tx } };
    const owner = await getKeyOwner(within, caller, user);
    return { ...(await makeKey(within, { accountId: owner.accountId, userId: owner.id, ...wish })), owner };
  });
}

/** Deletes a key: it stops working at once. Answers whose it was. */
export async function deleteKey(
  context: Context,
  caller: KeyCaller,
  { user, keyId }: { user: string; keyId: string },
): Promise<User> {
  const owner = await getKeyOwner(context, caller, user);
  const { accountId, id: userId } = owner;
  if (await deleteApiKey(context.store.db, { accountId, userId, id: keyId })) return owner;
  throw new Problem('NOT_FOUND', `resource not found: key "${keyId.slice(0, 100)}" of user "${userId}"`, {
    reason: 'KEY_NOT_FOUND',
  });
}

const inThePast = (at: Date): Problem =>
  new Problem('INVALID_ARGUMENT', `expireTime must be in the future, got ${at.toISOString()}.`, {
    reason: 'EXPIRY_IN_THE_PAST',
    details: { field: 'apiKey.expireTime' },
  });
