import type { Engine } from '../schema.ts';
import type { Db } from '../store.ts';

/** Forgets an engine and what was reported of it. False when there was none. */
export async function deleteEngine(db: Db, { accountId, id }: Pick<Engine, 'accountId' | 'id'>): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('engine')
    .where('accountId', '=', accountId)
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}
