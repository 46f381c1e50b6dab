import { sql } from 'kysely';
import type { JobState } from '../../jobs/states.ts';
import type { Db } from '../store.ts';

/** What is to be done for all accounts together. */
export interface OpenWork {
  /** Jobs that have not ended, by state; a state without jobs is left out. */
  readonly jobs: Readonly<Partial<Record<JobState, number>>>;
  /** Shards of jobs that run or may run, whether or not somebody has them. */
  readonly shards: number;
}

/** Two counts over jobs that are under way; those that have ended cost nothing. */
export async function countOpenWork(db: Db): Promise<OpenWork> {
  const { rows } = await sql<{ state: JobState; jobs: number; shards: number }>`
    select state, count(*)::int as jobs,
           coalesce(sum((select count(*) from shard where shard.job_uid = job.uid and not settled))
             filter (where state in ('PENDING', 'RUNNING')), 0)::int as shards
      from job
     where state not in ('COMPLETED', 'FAILED', 'EXPIRED', 'CANCELLED', 'DELETING_CLEANING_UP')
     group by state`.execute(db);
  return {
    jobs: Object.fromEntries(rows.map(({ state, jobs }) => [state, jobs])),
    shards: rows.reduce((sum, { shards }) => sum + shards, 0),
  };
}
