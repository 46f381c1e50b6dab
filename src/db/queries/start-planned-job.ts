import { sql } from 'kysely';
import type { Job } from '../../jobs/job.ts';
import type { Store, Tx } from '../store.ts';
import { moveJob } from './move-job.ts';

export interface PlannedJob {
  readonly totalRows: number;
  readonly inputRows: number;
  readonly rowFormat: Job['rowFormat'];
  readonly planKey: string;
  /** In order; each begins where the one before ends. */
  readonly shards: readonly { readonly first: number; readonly count: number }[];
  /** How many shards of the job are in the queue at a time. */
  readonly windowSize: number;
}

/** Gives a planned job its shards and queues the first of them; without any it goes on to its results. False when the job is no longer VALIDATING. */
export async function startPlannedJob(
  { db, queue }: Pick<Store, 'db' | 'queue'>,
  uid: string,
  plan: PlannedJob,
): Promise<boolean> {
  const { shards, windowSize, ...facts } = plan;
  return db.transaction().execute(async (tx) => {
    const nextShard = Math.min(windowSize, shards.length);
    const started = await moveJob(tx, uid, 'PENDING', { ...facts, windowSize, nextShard, shardCount: shards.length });
    if (started === undefined) return false;
    if (shards.length === 0) {
      await moveJob(tx, uid, 'WRITING_RESULTS', { outcome: 'COMPLETED' });
      await queue.add('merge', [{ jobUid: uid }], { tx });
      return true;
    }
    await insertShards(tx, uid, shards);
    await queue.add(
      'shard',
      Array.from({ length: nextShard }, (_, shard) => ({ jobUid: uid, shard })),
      { tx },
    );
    return true;
  });
}

/** One statement whatever their number. */
const insertShards = (tx: Tx, uid: string, shards: PlannedJob['shards']): Promise<unknown> =>
  sql`
    insert into shard (job_uid, index, first, count)
    select ${uid}::uuid, place - 1, first, count
      from rows from (jsonb_to_recordset(${JSON.stringify(shards)}::jsonb) as (first int, count int)) with ordinality as planned (first, count, place)
  `.execute(tx);
