import { sql } from 'kysely';
import { oldestFirst } from '../../jobs/ancestors.ts';
import type { Job } from '../../jobs/job.ts';
import type { Db } from '../store.ts';
import { JOB_COLUMNS } from './job-columns.ts';

/**
 * All jobs that are joined to one by continuation, up, down and beside it, and the job itself; oldest first. Names can be given out again after a delete:
 * a job with another input, or one that is younger than what continues it, is not of the family.
 */
export async function listLineage(db: Db, accountId: string, jobId: string): Promise<readonly Job[]> {
  const { rows } = await sql<{ readonly uid: string }>`
    with recursive family as (
      select uid, id, continued_from, input_dataset_id, created_at from job where account_id = ${accountId} and id = ${jobId}
      union
      select job.uid, job.id, job.continued_from, job.input_dataset_id, job.created_at
        from family join job on job.account_id = ${accountId} and job.input_dataset_id = family.input_dataset_id
         and (job.id = family.continued_from and job.created_at <= family.created_at
           or job.continued_from = family.id and job.created_at >= family.created_at)
    )
    select uid from family
  `.execute(db);
  if (rows.length === 0) return [];
  const jobs = await db
    .selectFrom('job')
    .select(JOB_COLUMNS)
    .where(
      'uid',
      'in',
      rows.map(({ uid }) => uid),
    )
    .execute();
  return oldestFirst(jobs);
}
