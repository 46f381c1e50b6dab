import { deleteDataset } from '../db/queries/delete-dataset.ts';
import { listExpiredDatasets } from '../db/queries/list-expired-datasets.ts';
import type { Context } from './context.ts';

const AT_ONCE = 100;

/** Upkeep: deletes datasets whose time has come, but for those that a job needs until it has ended. Answers how many are gone. */
export async function deleteExpiredDatasets({
  store,
  objects,
  clock,
}: Pick<Context, 'store' | 'objects' | 'clock'>): Promise<number> {
  const expired = await listExpiredDatasets(store.db, clock.now(), AT_ONCE);
  for (const { accountId, id } of expired) await objects.delete(await deleteDataset(store.db, accountId, id));
  return expired.length;
}
