import type { Job } from '../../jobs/job.ts';
import type { Db } from '../store.ts';
import { JOB_COLUMNS } from './job-columns.ts';

export const findJob = (db: Db, accountId: string, id: string): Promise<Job | undefined> =>
  db.selectFrom('job').select(JOB_COLUMNS).where('accountId', '=', accountId).where('id', '=', id).executeTakeFirst();
