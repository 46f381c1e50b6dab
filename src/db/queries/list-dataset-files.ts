import { sql } from 'kysely';
import type { DatasetFile } from '../schema.ts';
import type { Db } from '../store.ts';

/** A dataset's files by name, in the order of its bytes whatever the database's language. */
export const listDatasetFiles = (db: Db, accountId: string, datasetId: string): Promise<readonly DatasetFile[]> =>
  db
    .selectFrom('datasetFile')
    .selectAll()
    .where('accountId', '=', accountId)
    .where('datasetId', '=', datasetId)
    .orderBy(sql`name collate "C"`)
    .execute();
