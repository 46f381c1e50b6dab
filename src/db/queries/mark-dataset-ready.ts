import { sql } from 'kysely';
import type { Dataset } from '../schema.ts';
import type { Db } from '../store.ts';

/** Closes a dataset: from now on it has what its files have and never changes. Undefined when it was not UPLOADING. */
export const markDatasetReady = (
  db: Db,
  { accountId, id }: Pick<Dataset, 'accountId' | 'id'>,
  at = new Date(),
): Promise<Dataset | undefined> =>
  db
    .updateTable('dataset')
    .set({ state: 'READY', updatedAt: at, bytes: sumOfFiles('bytes'), rows: sumOfFiles('rows') })
    .where('accountId', '=', accountId)
    .where('id', '=', id)
    .where('state', '=', 'UPLOADING')
    .returningAll()
    .executeTakeFirst();

const sumOfFiles = (column: 'bytes' | 'rows') =>
  sql<number>`(select coalesce(sum(${sql.ref(column)}), 0)::bigint from dataset_file where account_id = dataset.account_id and dataset_id = dataset.id)`;
