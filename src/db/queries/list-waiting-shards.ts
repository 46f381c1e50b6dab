import { sql } from 'kysely';
import type { JobState } from '../../jobs/states.ts';
import type { Db } from '../store.ts';
import type { WantedShard } from './take-shards.ts';

const UNENDED: readonly JobState[] = ['PENDING', 'RUNNING', 'PAUSED'];

/** Those of the shards that still have to run some day: their jobs have not begun to end. */
export async function listWaitingShards(db: Db, shards: readonly WantedShard[]): Promise<readonly WantedShard[]> {
  if (shards.length === 0) return [];
  const { rows } = await sql<WantedShard>`
    select shard.job_uid, shard.index as shard
      from jsonb_to_recordset(${JSON.stringify(shards)}::jsonb) as asked ("jobUid" uuid, shard int)
      join shard on shard.job_uid = asked."jobUid" and shard.index = asked.shard
      join job on job.uid = shard.job_uid
     where not shard.settled and job.state = any (${UNENDED}::text[])
  `.execute(db);
  return rows;
}
