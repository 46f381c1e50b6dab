import { sql } from 'kysely';
import type { Progress } from '../../jobs/job.ts';
import type { Db } from '../store.ts';

/** What the committed parts of several jobs come to, by job uid, in one statement. A job without parts is left out. */
export async function sumProgressOfJobs(db: Db, jobUids: readonly string[]): Promise<ReadonlyMap<string, Progress>> {
  if (jobUids.length === 0) return new Map();
  const sums = await db
    .selectFrom('part')
    .select([
      'jobUid',
      total('ok'),
      total('failed'),
      total('inputTokens'),
      total('outputTokens'),
      total('cachedTokens'),
      total('bytes'),
    ])
    .where('jobUid', 'in', jobUids)
    .groupBy('jobUid')
    .execute();
  return new Map(sums.map(({ jobUid, ...progress }) => [jobUid, progress]));
}

const total = <Column extends keyof Progress>(column: Column) => sql<number>`sum(${sql.ref(column)})::bigint`.as(column);
