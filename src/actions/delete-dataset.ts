import { deleteDataset as deleteDatasetRow } from '../db/queries/delete-dataset.ts';
import type { Caller, Context } from './context.ts';
import { getDataset } from './get-dataset.ts';

/** Removes a dataset and its files; refused while a job that hasn't ended reads or writes it. */
export async function deleteDataset(context: Context, caller: Caller, name: string): Promise<void> {
  const { accountId, id } = await getDataset(context, caller, name);
  await context.objects.delete(await deleteDatasetRow(context.store.db, accountId, id));
}
