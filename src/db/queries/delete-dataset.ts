import { Problem } from '../../base/problem.ts';
import type { Db } from '../store.ts';
import { datasetInUse } from './dataset-in-use.ts';
import { lockAccount } from './lock-account.ts';

/** Removes a dataset and the rows of its files, unless a job that has not ended reads or writes it. Answers the keys of the objects that nobody owns now. */
export async function deleteDataset(db: Db, accountId: string, id: string): Promise<readonly string[]> {
  return db.transaction().execute(async (tx) => {
    await lockAccount(tx, accountId);
    if (await datasetInUse(tx, accountId, id)) throw inUse(id);
    const files = await tx
      .deleteFrom('datasetFile')
      .where('accountId', '=', accountId)
      .where('datasetId', '=', id)
      .returning('objectKey')
      .execute();
    await tx.deleteFrom('dataset').where('accountId', '=', accountId).where('id', '=', id).execute();
    return files.map(({ objectKey }) => objectKey);
  });
}

/** A job needs it. */
export const inUse = (id: string): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `Dataset "${id}" is used by a job that hasn't ended. Wait for the job, or cancel or delete it first.`,
    { reason: 'DATASET_IN_USE' },
  );
