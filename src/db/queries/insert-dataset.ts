import { Problem } from '../../base/problem.ts';
import { inTransaction } from '../in-transaction.ts';
import type { Dataset } from '../schema.ts';
import type { Db } from '../store.ts';
import { ACTIVE_STATES } from './active-states.ts';
import { lockAccount } from './lock-account.ts';

export interface NewDataset {
  readonly accountId: string;
  readonly id: string;
  readonly displayName: string;
  readonly format?: string;
  readonly origin?: Readonly<Record<string, unknown>>;
  readonly declaredRows?: number | null;
  /** What OpenAI's dialect says that it is for. */
  readonly purpose?: string;
  /** When it is deleted by itself; never when absent. */
  readonly expiresAt?: Date | null;
  readonly createdBy: string;
  readonly createdAt: Date;
}

/** Makes a dataset that waits for its files; ALREADY_EXISTS when the name is taken, also by the output of a job that still runs. */
export async function insertDataset(db: Db, { declaredRows = null, ...dataset }: NewDataset): Promise<Dataset> {
  const { accountId, id, createdAt } = dataset;
  return inTransaction(db, async (tx) => {
    await lockAccount(tx, accountId);
    const writer = await tx
      .selectFrom('job')
      .select('id')
      .where('accountId', '=', accountId)
      .where('outputDatasetId', '=', id)
      .where('state', 'in', ACTIVE_STATES)
      .executeTakeFirst();
    if (writer !== undefined) throw taken(id, `job "${writer.id}" writes its results there`);
    const made = await tx
      .insertInto('dataset')
      .values({ ...dataset, declaredRows, rows: null, sourceJob: null, state: 'UPLOADING', updatedAt: createdAt })
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .executeTakeFirst();
    if (made === undefined) throw taken(id, 'a dataset has it');
    return made;
  });
}

const taken = (id: string, why: string): Problem =>
  new Problem('ALREADY_EXISTS', `The name "${id}" is taken: ${why}. Choose another name, or delete what has it first.`, {
    reason: 'DATASET_EXISTS',
    details: { datasetId: id },
  });
