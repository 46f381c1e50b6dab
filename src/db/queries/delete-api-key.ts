import type { ApiKey } from '../schema.ts';
import type { Db } from '../store.ts';

/** False when the user has no such key. */
export async function deleteApiKey(
  db: Db,
  { accountId, userId, id }: Pick<ApiKey, 'accountId' | 'userId' | 'id'>,
): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('apiKey')
    .where('accountId', '=', accountId)
    .where('userId', '=', userId)
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}
