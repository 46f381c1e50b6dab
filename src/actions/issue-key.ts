import { createHash } from 'node:crypto';
import { makeId, makeSecret } from '../base/ids.ts';
import { ensureAccount } from '../db/queries/ensure-account.ts';
import { insertApiKey } from '../db/queries/insert-api-key.ts';
import type { Context } from './context.ts';

/** What every key of ours begins with, so that a leaked one is recognised. */
const KEY_PREFIX = 'bl_';
const SHOWN_CHARACTERS = 10;

/** What the key is to be. */
export interface NewKey {
  readonly accountId: string;
  readonly displayName: string;
  readonly role: string;
  readonly expiresAt?: Date;
}

/** A key as its owner sees it, once. */
export interface IssuedKey {
  readonly id: string;
  /** The key itself: shown once, stored nowhere. */
  readonly key: string;
  readonly prefix: string;
}

/** Makes an API key for an account, and the account if it is new. Only the key's hash is kept. */
export async function issueKey({ store, clock }: Pick<Context, 'store' | 'clock'>, wish: NewKey): Promise<IssuedKey> {
  const key = `${KEY_PREFIX}${makeSecret()}`;
  const issued = { id: makeId(10), key, prefix: key.slice(0, SHOWN_CHARACTERS) };
  const createdAt = clock.now();
  await ensureAccount(store.db, { id: wish.accountId, displayName: wish.accountId, createdAt });
  await insertApiKey(store.db, {
    id: issued.id,
    accountId: wish.accountId,
    hash: hashKey(key),
    prefix: issued.prefix,
    displayName: wish.displayName,
    role: wish.role,
    createdAt,
    expiresAt: wish.expiresAt ?? null,
  });
  return issued;
}

/** Keys are 256 random bits, so a plain hash is as good as a slow one. */
export const hashKey = (key: string): Buffer => createHash('sha256').update(key).digest();
