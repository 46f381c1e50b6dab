import type { ApiKey } from '../schema.ts';
import type { Db } from '../store.ts';

/** A last use is written down to this precision, so that a busy key costs no write per request. */
const PRECISION_MS = 60_000;

/** The key with this hash, expired or not, and notes that it was used. */
export async function findApiKey(db: Db, hash: Uint8Array, now: Date): Promise<ApiKey | undefined> {
  const key = await db.selectFrom('apiKey').selectAll().where('hash', '=', hash).executeTakeFirst();
  if (key === undefined || (key.lastUsedAt !== null && now.getTime() - key.lastUsedAt.getTime() < PRECISION_MS)) return key;
  await db.updateTable('apiKey').set({ lastUsedAt: now }).where('id', '=', key.id).execute();
  return { ...key, lastUsedAt: now };
}
