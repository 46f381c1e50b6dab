import { Problem } from '../../base/problem.ts';
import type { Dataset } from '../schema.ts';
import type { Tx } from '../store.ts';
import { datasetInUse } from './dataset-in-use.ts';
import { lockAccount } from './lock-account.ts';

/** What names a dataset. */
export type DatasetName = Pick<Dataset, 'accountId' | 'id'>;

/**
 * A dataset that waits for files, held until the transaction ends: nobody closes it, and no job takes it for its output. Undefined when it doesn't wait
 * for any; FAILED_PRECONDITION when a job will write into it.
 */
export async function lockWaitingDataset(tx: Tx, { accountId, id }: DatasetName): Promise<Dataset | undefined> {
  await lockAccount(tx, accountId);
  const dataset = await tx
    .selectFrom('dataset')
    .selectAll()
    .where('accountId', '=', accountId)
    .where('id', '=', id)
    .where('state', '=', 'UPLOADING')
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (dataset !== undefined && (await datasetInUse(tx, accountId, id))) throw datasetPromised(id);
  return dataset;
}

/** A job will write into it. */
export const datasetPromised = (id: string): Problem =>
  new Problem('FAILED_PRECONDITION', `Dataset "${id}" is the output of a job that hasn't ended. Upload to another one.`, {
    reason: 'DATASET_IN_USE',
  });
