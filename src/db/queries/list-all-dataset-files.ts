import type { DatasetFile } from '../schema.ts';
import type { Db } from '../store.ts';

/** The files of a dataset with those that its owner isn't shown, in any order. */
export const listAllDatasetFiles = (db: Db, accountId: string, datasetId: string): Promise<readonly DatasetFile[]> =>
  db.selectFrom('datasetFile').selectAll().where('accountId', '=', accountId).where('datasetId', '=', datasetId).execute();
