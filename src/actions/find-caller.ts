import { timingSafeEqual } from 'node:crypto';
import { findApiKey } from '../db/queries/find-api-key.ts';
import type { Context, KeyCaller } from './context.ts';
import { hashKey } from './issue-key.ts';
import { principalOf } from './principal.ts';

/** Who a key belongs to; undefined when it is unknown or has expired. */
export async function findCaller({ store, clock }: Context, key: string): Promise<KeyCaller | undefined> {
  const hash = hashKey(key);
  const now = clock.now();
  const found = await findApiKey(store.db, hash, now);
  if (found === undefined || !timingSafeEqual(found.hash, hash)) return undefined;
  if (found.expiresAt !== null && found.expiresAt <= now) return undefined;
  const { accountId, userId, email, role, permissionPreset } = found;
  return { accountId, name: principalOf({ ...found, id: userId }), userId, keyId: found.id, email, role, permissionPreset };
}
