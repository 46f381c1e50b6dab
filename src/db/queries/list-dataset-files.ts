import type { DatasetFile } from '../schema.ts';
import type { Db } from '../store.ts';

/** A dataset's files by name. */
export const listDatasetFiles = (db: Db, accountId: string, datasetId: string): Promise<readonly DatasetFile[]> =>
  db
    .selectFrom('datasetFile')
    .selectAll()
    .where('accountId', '=', accountId)
    .where('datasetId', '=', datasetId)
    .orderBy('name')
    .execute();
