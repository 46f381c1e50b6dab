import { updateDataset as updateDatasetRow } from '../db/queries/update-dataset.ts';
import type { Dataset } from '../db/schema.ts';
import type { Caller, Context } from './context.ts';
import { getDataset } from './get-dataset.ts';

/** Changes a dataset's label; its rows never change. */
export async function updateDataset(
  context: Context,
  caller: Caller,
  { name, displayName }: { readonly name: string; readonly displayName: string | undefined },
): Promise<Dataset> {
  const dataset = await getDataset(context, caller, name);
  if (displayName === undefined) return dataset;
  await updateDatasetRow(context.store.db, dataset, { displayName, updatedAt: context.clock.now() });
  return getDataset(context, caller, dataset.id);
}
