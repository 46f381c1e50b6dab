import { sql } from 'kysely';
import type { Job } from '../../jobs/job.ts';
import type { Db } from '../store.ts';
import { JOB_COLUMNS } from './job-columns.ts';

export interface NewestJobs {
  readonly accountId: string;
  /** Only those older than this one. */
  readonly before?: Pick<Job, 'createdAt' | 'id'> | undefined;
  readonly limit: number;
}

/** An account's jobs, newest first, but for those that are being deleted. */
export async function listNewestJobs(db: Db, { accountId, before, limit }: NewestJobs): Promise<readonly Job[]> {
  const jobs = db
    .selectFrom('job')
    .select(JOB_COLUMNS)
    .where('accountId', '=', accountId)
    .where('state', '!=', 'DELETING_CLEANING_UP');
  const older =
    before === undefined ? jobs : jobs.where(sql<boolean>`(created_at, id) < (${before.createdAt}::timestamptz, ${before.id})`);
  return older.orderBy('createdAt', 'desc').orderBy('id', 'desc').limit(limit).execute();
}
