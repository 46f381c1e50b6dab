import type { Job } from '../../jobs/job.ts';
import type { Db } from '../store.ts';
import { JOB_COLUMNS } from './job-columns.ts';

/** Jobs whose window is over and that have not begun to end, longest overdue first. */
export const listExpiredJobs = (db: Db, now: Date): Promise<readonly Job[]> =>
  db
    .selectFrom('job')
    .select(JOB_COLUMNS)
    .where('state', 'in', ['VALIDATING', 'PENDING', 'RUNNING', 'PAUSED'])
    .where('expiresAt', '<=', now)
    .orderBy('expiresAt')
    .execute();
