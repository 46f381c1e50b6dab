import type { DatasetFile } from '../schema.ts';
import type { Db } from '../store.ts';

/** Gives a dataset that waits for it its one file and closes it, both at once. False when it was not UPLOADING: of two at a time one wins. */
export const sealDataset = (db: Db, file: DatasetFile): Promise<boolean> =>
  db.transaction().execute(async (tx) => {
    const { numUpdatedRows } = await tx
      .updateTable('dataset')
      .set({ state: 'READY', bytes: file.bytes, rows: file.rows, updatedAt: file.createdAt })
      .where('accountId', '=', file.accountId)
      .where('id', '=', file.datasetId)
      .where('state', '=', 'UPLOADING')
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) return false;
    await tx.insertInto('datasetFile').values(file).execute();
    return true;
  });
