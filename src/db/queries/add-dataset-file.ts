import type { DatasetFile } from '../schema.ts';
import type { Db } from '../store.ts';
import { lockWaitingDataset } from './lock-waiting-dataset.ts';

export interface AddedFile {
  /** False when the dataset does not wait for this file at this size. */
  readonly added: boolean;
  /** Objects of the file that had this name before: nobody owns them now. */
  readonly replaced: readonly string[];
}

/** Gives a dataset one of the files that were announced; the same name again replaces it. */
export const addDatasetFile = (db: Db, file: DatasetFile): Promise<AddedFile> =>
  db.transaction().execute(async (tx) => {
    const { accountId, datasetId, name } = file;
    const dataset = await lockWaitingDataset(tx, { accountId, id: datasetId });
    if (dataset?.announced[name] !== file.bytes) return { added: false, replaced: [] };
    const replaced = await tx
      .deleteFrom('datasetFile')
      .where('accountId', '=', accountId)
      .where('datasetId', '=', datasetId)
      .where('name', '=', name)
      .returning('objectKey')
      .execute();
    await tx.insertInto('datasetFile').values(file).execute();
    return { added: true, replaced: replaced.map(({ objectKey }) => objectKey) };
  });
