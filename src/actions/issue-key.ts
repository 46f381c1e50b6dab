import { createHash } from 'node:crypto';
import { makeId, makeSecret } from '../base/ids.ts';
import { ensureAccount } from '../db/queries/ensure-account.ts';
import { insertApiKey } from '../db/queries/insert-api-key.ts';
import { insertUser } from '../db/queries/insert-user.ts';
import type { ApiKey, UserRole } from '../db/schema.ts';
import type { Context } from './context.ts';

/** What every key of ours begins with, so that a leaked one is recognised. */
const KEY_PREFIX = 'bl_';
const SHOWN_CHARACTERS = 10;

/** Who gets the first key of an account when nobody is named. */
const FIRST_USER = 'admin';

type KeyContext = Pick<Context, 'store' | 'clock'>;

/** What the key is to be. */
export interface NewKey {
  readonly accountId: string;
  readonly userId: string;
  readonly displayName: string;
  readonly expiresAt?: Date | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** A key as its owner sees it, once. */
export interface IssuedKey {
  /** The key itself: shown once, stored nowhere. */
  readonly key: string;
  readonly stored: ApiKey;
}

/** Makes an API key for a user. Only the key's hash is kept. */
export async function makeKey({ store, clock }: KeyContext, { expiresAt, annotations, ...wish }: NewKey): Promise<IssuedKey> {
  const key = `${KEY_PREFIX}${makeSecret()}`;
  const stored = await insertApiKey(store.db, {
    ...wish,
    id: makeId(10),
    hash: hashKey(key),
    prefix: key.slice(0, SHOWN_CHARACTERS),
    annotations: annotations ?? {},
    createdAt: clock.now(),
    expiresAt: expiresAt ?? null,
  });
  return { key, stored };
}

/** Whom a key is for; who is not there yet is made with it. */
export interface NewHolder {
  readonly accountId: string;
  readonly userId?: string;
  readonly email?: string;
  readonly role: UserRole;
  /** Label of the key. */
  readonly displayName: string;
  readonly expiresAt?: Date;
}

/** Makes an API key, and the account and the user where they are new: how the first key of an account comes into the world. */
export async function issueKey(
  context: KeyContext,
  { accountId, userId = FIRST_USER, email = '', role, displayName, expiresAt }: NewHolder,
): Promise<IssuedKey> {
  const createdAt = context.clock.now();
  const { db } = context.store;
  await ensureAccount(db, { id: accountId, displayName: accountId, createdAt });
  const labels = { displayName: userId, email, permissionPreset: '', serviceAccount: false };
  await insertUser(db, { accountId, id: userId, role, ...labels, createdAt, updatedAt: createdAt });
  return makeKey(context, { accountId, userId, displayName, expiresAt });
}

/** Keys are 256 random bits, so a plain hash is as good as a slow one. */
export const hashKey = (key: string): Buffer => createHash('sha256').update(key).digest();
