import { Problem } from '../base/problem.ts';
import { datasetInUse } from '../db/queries/dataset-in-use.ts';
import { deleteDataset as deleteDatasetRow } from '../db/queries/delete-dataset.ts';
import { listDatasetFiles } from '../db/queries/list-dataset-files.ts';
import type { Caller, Context } from './context.ts';
import { getDataset } from './get-dataset.ts';

/** Removes a dataset and its files; refused while a job that hasn't ended reads or writes it. */
export async function deleteDataset(context: Context, caller: Caller, name: string): Promise<void> {
  const { db } = context.store;
  const { accountId, id } = await getDataset(context, caller, name);
  if (await datasetInUse(db, accountId, id)) throw inUse(id);
  const files = await listDatasetFiles(db, accountId, id);
  await deleteDatasetRow(db, accountId, id);
  await context.objects.delete(files.map(({ objectKey }) => objectKey));
}

const inUse = (id: string): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `Dataset "${id}" is used by a job that hasn't ended. Wait for the job, or cancel or delete it first.`,
    {
      reason: 'DATASET_IN_USE',
    },
  );
