import type { Job } from '../../jobs/job.ts';
import type { Db } from '../store.ts';
import { JOB_COLUMNS } from './job-columns.ts';

/** Of each of these models the account's latest job that has completed. */
export const listPastJobs = (db: Db, accountId: string, models: readonly string[]): Promise<readonly Job[]> =>
  models.length === 0
    ? Promise.resolve([])
    : db
        .selectFrom('job')
        .select(JOB_COLUMNS)
        .distinctOn('model')
        .where('accountId', '=', accountId)
        .where('model', 'in', models)
        .where('state', '=', 'COMPLETED')
        .where('startedAt', 'is not', null)
        .orderBy('model')
        .orderBy('endedAt', 'desc')
        .execute();
