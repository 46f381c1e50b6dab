import { deleteOutputHalf } from '../db/queries/delete-output-half.ts';
import type { FileRow } from '../db/queries/list-files.ts';
import type { Caller, Context } from './context.ts';
import { deleteDataset } from './delete-dataset.ts';
import { getFile } from './get-file.ts';

/**
 * Deletes a file: a dataset, or one half of what a job wrote; the other half stays until it is deleted too. Refused while a job that hasn't ended reads
 * it. Answers what it was.
 */
export async function deleteFile(context: Context, caller: Caller, fileId: string): Promise<FileRow> {
  const file = await getFile(context, caller, fileId);
  const { datasetId, kind } = file;
  const { store, objects, clock } = context;
  if (kind === 'rows') await deleteDataset(context, caller, datasetId);
  else await objects.delete(await deleteOutputHalf(store.db, { accountId: caller.accountId, datasetId, kind }, clock.now()));
  return file;
}
