import { updateDataset as updateDatasetRow } from '../db/queries/update-dataset.ts';
import type { Dataset } from '../db/schema.ts';
import type { Caller, Context } from './context.ts';
import type { DatasetWish } from './create-dataset.ts';
import { getDataset } from './get-dataset.ts';

/** Changes what is said of a dataset; its rows never change. */
export async function updateDataset(
  context: Context,
  caller: Caller,
  { name, displayName, format }: Pick<DatasetWish, 'displayName' | 'format'> & { readonly name: string },
): Promise<Dataset> {
  const dataset = await getDataset(context, caller, name);
  const said = { ...(displayName !== undefined && { displayName }), ...(format !== undefined && { format }) };
  if (Object.keys(said).length === 0) return dataset;
  await updateDatasetRow(context.store.db, dataset, { ...said, updatedAt: context.clock.now() });
  return getDataset(context, caller, dataset.id);
}
