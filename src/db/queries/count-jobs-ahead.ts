import { sql } from 'kysely';
import type { Db } from '../store.ts';

/** How many older jobs, of whatever account, are in the same state as each of these, by uid: who is served before them. */
export async function countJobsAhead(db: Db, jobUids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (jobUids.length === 0) return new Map();
  const ahead = sql<number>`(select count(*)::int from job other where other.state = job.state and other.created_at < job.created_at)`;
  const jobs = await db
    .selectFrom('job')
    .select(['uid', ahead.as('ahead')])
    .where('uid', 'in', jobUids)
    .execute();
  return new Map(jobs.map((job) => [job.uid, job.ahead]));
}
