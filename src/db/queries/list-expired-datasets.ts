import type { Dataset } from '../schema.ts';
import type { Db } from '../store.ts';
import { ACTIVE_STATES } from './active-states.ts';

/** Datasets of all accounts whose time has come and that no job reads any more, the first ones first. (What a job will write has no time yet.) */
export const listExpiredDatasets = (db: Db, now: Date, limit: number): Promise<readonly Pick<Dataset, 'accountId' | 'id'>[]> =>
  db
    .selectFrom('dataset')
    .select(['accountId', 'id'])
    .where('expiresAt', '<=', now)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('job')
            .select('job.id')
            .whereRef('job.accountId', '=', 'dataset.accountId')
            .where('job.state', 'in', ACTIVE_STATES)
            .whereRef('job.inputDatasetId', '=', 'dataset.id'),
        ),
      ),
    )
    .orderBy('expiresAt')
    .limit(limit)
    .execute();
