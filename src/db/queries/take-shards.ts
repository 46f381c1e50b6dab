import { sql } from 'kysely';
import { type JobState, statesBefore } from '../../jobs/states.ts';
import type { Db } from '../store.ts';

export interface WantedShard {
  readonly jobUid: string;
  readonly shard: number;
}

export interface TakenShard extends WantedShard {
  readonly accountId: string;
  readonly first: number;
  readonly count: number;
  /** Its own, or the job's. */
  readonly model: string;
  readonly epoch: number;
  /** int4multirange as text. */
  readonly done: string;
}

const RUNNABLE: readonly JobState[] = ['PENDING', 'RUNNING'];

/** Raises the epoch of shards that still have to run, and sets their jobs running, in one statement; in one order, so that no two calls wait for each other. Answers only those. */
export async function takeShards(db: Db, wanted: readonly WantedShard[]): Promise<readonly TakenShard[]> {
  const { rows } = await sql<TakenShard>`
    with wanted as (
      select * from jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb) as wanted ("jobUid" uuid, shard int)
    ), waiting as (
      select uid from job where uid in (select "jobUid" from wanted) and state = any (${statesBefore('RUNNING')}::text[])
       order by uid for no key update
    ), started as (
      update job set state = 'RUNNING', started_at = coalesce(started_at, now()), updated_at = now()
        from waiting where job.uid = waiting.uid
    ), locked as (
      select job_uid, index from shard where (job_uid, index) in (select "jobUid", shard from wanted)
       order by job_uid, index for no key update
    )
    update shard set epoch = shard.epoch + 1
      from wanted join job on job.uid = wanted."jobUid" join locked on locked.job_uid = wanted."jobUid" and locked.index = wanted.shard
     where shard.job_uid = wanted."jobUid" and shard.index = wanted.shard
       and not shard.settled and job.state = any (${RUNNABLE}::text[])
    returning shard.job_uid, job.account_id, shard.index as shard, shard.first, shard.count, coalesce(shard.model, job.model) as model, shard.epoch, shard.done::text as done
  `.execute(db);
  return rows;
}
