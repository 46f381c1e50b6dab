import type { Job } from '../../jobs/job.ts';
import type { Db } from '../store.ts';
import { JOB_COLUMNS } from './job-columns.ts';

/** Jobs whose deletion was asked for before this time and is not finished. */
export const listDeletedJobs = (db: Db, before: Date): Promise<readonly Job[]> =>
  db
    .selectFrom('job')
    .select(JOB_COLUMNS)
    .where('state', '=', 'DELETING_CLEANING_UP')
    .where('updatedAt', '<=', before)
    .orderBy('updatedAt')
    .execute();
