import type { Dataset } from '../schema.ts';
import type { Db } from '../store.ts';

export interface DatasetChanges {
  readonly displayName?: string;
  readonly format?: string;
  readonly updatedAt: Date;
}

/** Changes what may change of a dataset: never its rows. Undefined when there is none. */
export const updateDataset = (
  db: Db,
  { accountId, id }: Pick<Dataset, 'accountId' | 'id'>,
  changes: DatasetChanges,
): Promise<Dataset | undefined> =>
  db
    .updateTable('dataset')
    .set(changes)
    .where('accountId', '=', accountId)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
