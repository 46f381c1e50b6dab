import { sql } from 'kysely';
import { Problem } from '../../base/problem.ts';
import type { ShardLease } from '../../jobs/leases.ts';
import type { JobState } from '../../jobs/states.ts';
import type { Queue, Tx } from '../store.ts';
import { moveJob } from './move-job.ts';

/** A worker may not have noticed yet that its job was paused, or paused and resumed. */
const OPEN: readonly JobState[] = ['PENDING', 'RUNNING', 'PAUSED'];

/**
 * Ends a shard whose rows are all committed; after the last one of the job it goes on to its results. A lease that somebody else has taken over
 * changes nothing.
 */
export async function settleShard(tx: Tx, queue: Queue, lease: ShardLease): Promise<void> {
  const { jobUid } = lease;
  // Settling shards of one job queue up here, so exactly one of them is the last.
  const job = await tx.selectFrom('job').select('state').where('uid', '=', jobUid).forNoKeyUpdate().executeTakeFirst();
  if (job === undefined || !(await markSettled(tx, lease)) || !OPEN.includes(job.state)) return;
  if (await isSettled(tx, jobUid)) await goOn(tx, queue, jobUid);
}

/** False when the lease is no longer the shard's. */
async function markSettled(tx: Tx, { jobUid, shard: index, epoch, first, count }: ShardLease): Promise<boolean> {
  const shard = await tx
    .selectFrom('shard')
    .select(['done', sql<boolean>`done @> int4range(first, first + count)`.as('complete')])
    .where('jobUid', '=', jobUid)
    .where('index', '=', index)
    .where('epoch', '=', epoch)
    .where('settled', '=', false)
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (shard === undefined) return false;
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
  return true;
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
