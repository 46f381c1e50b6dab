import type { ApiKey, User } from '../schema.ts';
import type { Db } from '../store.ts';

/** A last use is written down to this precision, so that a busy key costs no write per request. */
const PRECISION_MS = 60_000;

/** A key, and what its user may do. */
export type OwnedKey = ApiKey & Pick<User, 'email' | 'role' | 'permissionPreset' | 'serviceAccount'>;

/** The key with this hash, expired or not, and notes that it was used. */
export async function findApiKey(db: Db, hash: Uint8Array, now: Date): Promise<OwnedKey | undefined> {
  const key = await db
    .selectFrom('apiKey')
    .innerJoin('accountUser as owner', (join) =>
      join.onRef('owner.accountId', '=', 'apiKey.accountId').onRef('owner.id', '=', 'apiKey.userId'),
    )
    .selectAll('apiKey')
    .select(['owner.email', 'owner.role', 'owner.permissionPreset', 'owner.serviceAccount'])
    .where('hash', '=', hash)
    .executeTakeFirst();
  if (key === undefined || (key.lastUsedAt !== null && now.getTime() - key.lastUsedAt.getTime() < PRECISION_MS)) return key;
  await db.updateTable('apiKey').set({ lastUsedAt: now }).where('id', '=', key.id).execute();
  return { ...key, lastUsedAt: now };
}
