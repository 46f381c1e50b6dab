import { sql } from 'kysely';
import { Problem } from '../../base/problem.ts';
import type { ShardLease } from '../../jobs/leases.ts';
import type { JobState } from '../../jobs/states.ts';
import type { Queue, Tx } from '../store.ts';
import { moveJob } from './move-job.ts';

/** A worker may not have noticed yet that its job was paused, or paused and resumed. */
const OPEN: readonly JobState[] = ['PENDING', 'RUNNING', 'PAUSED'];

/**
 * Ends a shard whose rows are all committed, and sees to what comes next: the job's next shard of the same model enters the queue, or, after the
 * last one of all, the job goes on to its results. A lease that somebody else has taken over changes nothing.
 */
export async function settleShard(tx: Tx, queue: Queue, lease: ShardLease): Promise<void> {
  const { jobUid } = lease;
  // Settling shards of one job queue up here, so exactly one of them is the last.
  const job = await tx
    .selectFrom('job')
    .select(['state', 'nextShard', 'shardCount', 'windowSize'])
    .where('uid', '=', jobUid)
    .forNoKeyUpdate()
    .executeTakeFirst();
  const settled = job === undefined ? undefined : await markSettled(tx, lease);
  if (job === undefined || settled === undefined || !OPEN.includes(job.state)) return;
  const next = settled.model === null ? job.nextShard : await nextOfModel(tx, lease, job.windowSize ?? 1);
  if (next < (job.shardCount ?? 0)) await queueShard(tx, queue, { jobUid, shard: next });
  else if (await isSettled(tx, jobUid)) await goOn(tx, queue, jobUid);
}

/**
 * Which shard of a model takes the place in the queue of one that was settled, of a job that has several; beyond all shards when there is none left.
 * A model's shards follow each other: the first window of them is in the queue from the start, and every one that is settled lets one more in.
 */
async function nextOfModel(tx: Tx, { jobUid, model }: ShardLease, windowSize: number): Promise<number> {
  const { rows } = await sql<{ readonly next: number; readonly last: number }>`
    select min(index) + ${windowSize}::int - 1 + count(*) filter (where settled)::int as next, max(index) as last
      from shard where job_uid = ${jobUid}::uuid and model = ${model}
  `.execute(tx);
  const [own] = rows;
  return own !== undefined && own.next <= own.last ? own.next : Number.POSITIVE_INFINITY;
}

/** Undefined when the lease is no longer the shard's. */
async function markSettled(
  tx: Tx,
  { jobUid, shard: index, epoch, first, count }: ShardLease,
): Promise<{ readonly model: string | null } | undefined> {
  const shard = await tx
    .selectFrom('shard')
    .select(['done', 'model', sql<boolean>`done @> int4range(first, first + count)`.as('complete')])
    .where('jobUid', '=', jobUid)
    .where('index', '=', index)
    .where('epoch', '=', epoch)
    .where('settled', '=', false)
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (shard === undefined) return undefined;
  if (!shard.complete) {
    throw new Problem(
      'INTERNAL',
      `Shard ${index} was to be settled with all of [${first},${first + count}) committed; only ${shard.done} is.`,
      {
        reason: 'SHARD_INCOMPLETE',
        details: { jobUid, shard: index, done: shard.done },
      },
    );
  }
  await tx.updateTable('shard').set({ settled: true }).where('jobUid', '=', jobUid).where('index', '=', index).execute();
  return { model: shard.model };
}

async function queueShard(
  tx: Tx,
  queue: Queue,
  { jobUid, shard }: { readonly jobUid: string; readonly shard: number },
): Promise<void> {
  await tx
    .updateTable('job')
    .set({ nextShard: shard + 1 })
    .where('uid', '=', jobUid)
    .execute();
  await queue.add('shard', [{ jobUid, shard }], { tx });
}

async function isSettled(tx: Tx, jobUid: string): Promise<boolean> {
  const open = await tx
    .selectFrom('shard')
    .select('index')
    .where('jobUid', '=', jobUid)
    .where('settled', '=', false)
    .limit(1)
    .executeTakeFirst();
  return open === undefined;
}

async function goOn(tx: Tx, queue: Queue, jobUid: string): Promise<void> {
  await moveJob(tx, jobUid, 'WRITING_RESULTS', { outcome: 'COMPLETED' });
  await queue.add('merge', [{ jobUid }], { tx });
}
