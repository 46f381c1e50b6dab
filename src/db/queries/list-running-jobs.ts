import type { Job } from '../../jobs/job.ts';
import type { Db } from '../store.ts';
import { JOB_COLUMNS } from './job-columns.ts';

/** The jobs of all accounts whose rows run. */
export const listRunningJobs = (db: Db): Promise<readonly Job[]> =>
  db.selectFrom('job').select(JOB_COLUMNS).where('state', '=', 'RUNNING').execute();
