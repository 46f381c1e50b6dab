import type { DatasetFile } from '../schema.ts';
import type { Db, Tx } from '../store.ts';
import { lockWaitingDataset } from './lock-waiting-dataset.ts';

/**
 * Gives a dataset that waits for it its one file and closes it, both at once. False when it was not UPLOADING: of two at a time one wins. `check` may
 * refuse while nothing else is added to the account.
 */
export const sealDataset = (db: Db, file: DatasetFile, check: (tx: Tx) => Promise<void>): Promise<boolean> =>
  db.transaction().execute(async (tx) => {
    const { accountId, datasetId: id, bytes, rows } = file;
    const dataset = await lockWaitingDataset(tx, { accountId, id });
    if (dataset === undefined || Object.keys(dataset.announced).length > 0) return false;
    await tx
      .updateTable('dataset')
      .set({ state: 'READY', bytes, rows, updatedAt: file.createdAt })
      .where('accountId', '=', accountId)
      .where('id', '=', id)
      .execute();
    await tx.insertInto('datasetFile').values(file).execute();
    await check(tx);
    return true;
  });
