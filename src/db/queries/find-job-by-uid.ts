import type { Job } from '../../jobs/job.ts';
import type { Db } from '../store.ts';
import { JOB_COLUMNS } from './job-columns.ts';

export const findJobByUid = (db: Db, uid: string): Promise<Job | undefined> =>
  db.selectFrom('job').select(JOB_COLUMNS).where('uid', '=', uid).executeTakeFirst();
