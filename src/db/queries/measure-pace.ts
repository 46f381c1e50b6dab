import { sql } from 'kysely';
import type { Db } from '../store.ts';

/** The rows that each of these jobs has committed since then, by uid, those left out that were done before it ran. A job without any is left out. */
export async function measurePace(db: Db, jobUids: readonly string[], since: Date): Promise<ReadonlyMap<string, number>> {
  if (jobUids.length === 0) return new Map();
  const paces = await db
    .selectFrom('part')
    .innerJoin('job', 'job.uid', 'part.jobUid')
    .select(['part.jobUid', sql<number>`sum(part.ok + part.failed)::bigint`.as('rows')])
    .where('part.jobUid', 'in', jobUids)
    .where('part.createdAt', '>=', since)
    .whereRef('part.createdAt', '>=', 'job.startedAt')
    .groupBy('part.jobUid')
    .execute();
  return new Map(paces.map(({ jobUid, rows }) => [jobUid, rows]));
}
