import type { Db } from '../store.ts';

/** Removes a dataset and the rows of its files, not their objects. False when there was none. */
export async function deleteDataset(db: Db, accountId: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('dataset')
    .where('accountId', '=', accountId)
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}
