import { deleteDataset as deleteDatasetRow } from '../db/queries/delete-dataset.ts';
import type { Caller, Context } from './context.ts';
import { getDataset } from './get-dataset.ts';
import { piecesOf } from './receive-file.ts';
import { dropPieces } from './upload-pieces.ts';

/** Removes a dataset and its files, those too that have not come in whole; refused while a job that hasn't ended reads or writes it. */
export async function deleteDataset(context: Context, caller: Caller, name: string): Promise<void> {
  const dataset = await getDataset(context, caller, name);
  await context.objects.delete(await deleteDatasetRow(context.store.db, dataset.accountId, dataset.id));
  for (const [file, bytes] of Object.entries(dataset.announced)) await dropPieces(context, piecesOf(dataset, file, bytes));
}
