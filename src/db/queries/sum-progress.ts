import { sql } from 'kysely';
import type { Progress } from '../../jobs/job.ts';
import type { Db } from '../store.ts';

/** What the job's committed parts come to. */
export const sumProgress = (db: Db, jobUid: string): Promise<Progress> =>
  db
    .selectFrom('part')
    .select([total('ok'), total('failed'), total('inputTokens'), total('outputTokens'), total('cachedTokens'), total('bytes')])
    .where('jobUid', '=', jobUid)
    .executeTakeFirstOrThrow();

const total = <Column extends keyof Progress>(column: Column) =>
  sql<number>`coalesce(sum(${sql.ref(column)}), 0)::bigint`.as(column);
