import { sql } from 'kysely';
import type { Db } from '../store.ts';

/**
 * How many jobs of the same account are due before each of these, by uid: other accounts are not in their way, as accounts take turns. None for one that
 * waits no more.
 */
export async function countJobsAhead(db: Db, jobUids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (jobUids.length === 0) return new Map();
  const { rows } = await sql<{ readonly jobUid: string; readonly ahead: number }>`
    select own.job_uid, min((
             select count(*) from waiting other join job on job.uid = other.job_uid
              where other.lane = own.lane and other.account_id = own.account_id and other.due < own.due
                and job.state in ('VALIDATING', 'PENDING', 'RUNNING')))::int as ahead
      from waiting own where own.job_uid = any (${jobUids}::uuid[])
     group by own.job_uid
  `.execute(db);
  return new Map(rows.map(({ jobUid, ahead }) => [jobUid, ahead]));
}
