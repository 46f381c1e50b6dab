import type { DatasetFile } from '../schema.ts';
import type { Db, Tx } from '../store.ts';
import { insertDataset, type NewDataset } from './insert-dataset.ts';

/** A dataset that has its files from the start. */
export interface DerivedDataset {
  readonly dataset: NewDataset;
  readonly files: readonly Omit<DatasetFile, 'accountId' | 'datasetId' | 'createdAt'>[];
}

/** Makes datasets that are READY at once, all or none; `check` may refuse while nobody else gives out names in the account. */
export const insertDerivedDatasets = (
  db: Db,
  derived: readonly DerivedDataset[],
  check: (tx: Tx) => Promise<void>,
): Promise<void> =>
  db.transaction().execute(async (tx) => {
    for (const { dataset, files } of derived) {
      const { accountId, id, createdAt } = dataset;
      await insertDataset(tx, dataset);
      await tx
        .insertInto('datasetFile')
        .values(files.map((file) => ({ ...file, accountId, datasetId: id, createdAt })))
        .execute();
      await tx
        .updateTable('dataset')
        .set({ state: 'READY', bytes: sum(files, 'bytes'), rows: sum(files, 'rows') })
        .where('accountId', '=', accountId)
        .where('id', '=', id)
        .execute();
    }
    await check(tx);
  });

const sum = (files: DerivedDataset['files'], field: 'bytes' | 'rows'): number =>
  files.reduce((total, file) => total + file[field], 0);
