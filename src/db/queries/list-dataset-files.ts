import { sql } from 'kysely';
import type { DatasetFile } from '../schema.ts';
import type { Db } from '../store.ts';

/** The files of a dataset that its owner is shown, by name, in the order of its bytes whatever the database's language. */
export const listDatasetFiles = (db: Db, accountId: string, datasetId: string): Promise<readonly DatasetFile[]> =>
  db
    .selectFrom('datasetFile')
    .select(['accountId', 'datasetId', 'name', 'objectKey', 'bytes', 'rows', 'sha256', 'createdAt'])
    .where('accountId', '=', accountId)
    .where('datasetId', '=', datasetId)
    .where('hidden', '=', false)
    .orderBy(sql`name collate "C"`)
    .execute();
