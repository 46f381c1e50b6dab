import type { Db } from '../store.ts';
import { ACTIVE_STATES } from './active-states.ts';

/** True when a job that has not ended reads the dataset or will write it. */
export async function datasetInUse(db: Db, accountId: string, datasetId: string): Promise<boolean> {
  const user = await db
    .selectFrom('job')
    .select('id')
    .where('accountId', '=', accountId)
    .where('state', 'in', ACTIVE_STATES)
    .where((holds) => holds.or([holds('inputDatasetId', '=', datasetId), holds('outputDatasetId', '=', datasetId)]))
    .limit(1)
    .executeTakeFirst();
  return user !== undefined;
}
