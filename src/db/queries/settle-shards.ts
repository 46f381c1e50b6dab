import { sql } from 'kysely';
import { Problem } from '../../base/problem.ts';
import type { ShardLease } from '../../jobs/leases.ts';
import type { JobState } from '../../jobs/states.ts';
import type { Queue, Tx } from '../store.ts';
import { moveJob } from './move-job.ts';

/** A worker may not have noticed yet that its job was paused, or paused and resumed. */
const OPEN: readonly JobState[] = ['PENDING', 'RUNNING', 'PAUSED'];

/**
 * Ends shards whose rows are all committed; after the last one of a job it goes on to its results. A lease that somebody else has taken over
 * changes nothing. Answers, in order, what stands in the way of a shard that is not complete.
 */
export async function settleShards(
  tx: Tx,
  queue: Queue,
  leases: readonly ShardLease[],
): Promise<readonly (Problem | undefined)[]> {
  await lockJobs(tx, leases);
  const settled = await markSettled(tx, leases);
  const done = await listDone(tx, settled);
  for (const { uid } of done) await moveJob(tx, uid, 'WRITING_RESULTS', { outcome: 'COMPLETED' });
  await queue.add(
    'merge',
    done.map(({ uid }) => ({ jobUid: uid })),
    { tx },
  );
  const marked = new Set(settled.map(toKey));
  return explainRest(tx, leases, marked);
}

/** Those who settle shards of one job queue up here, so exactly one of them settles the last; in one order, so that no two wait for each other. */
async function lockJobs(tx: Tx, leases: readonly ShardLease[]): Promise<void> {
  const uids = [...new Set(leases.map(({ jobUid }) => jobUid))];
  await tx.selectFrom('job').select('uid').where('uid', 'in', uids).orderBy('uid').forNoKeyUpdate().execute();
}

type Settled = Pick<ShardLease, 'jobUid' | 'shard'>;

async function markSettled(tx: Tx, leases: readonly ShardLease[]): Promise<readonly Settled[]> {
  const { rows } = await sql<Settled>`
    with lease as (
      select * from jsonb_to_recordset(${toRecords(leases)}::jsonb) as lease ("jobUid" uuid, shard int, epoch int)
    ), locked as (
      select job_uid, index from shard where (job_uid, index) in (select "jobUid", shard from lease)
       order by job_uid, index for no key update
    )
    update shard set settled = true
      from lease join locked on locked.job_uid = lease."jobUid" and locked.index = lease.shard
     where shard.job_uid = lease."jobUid" and shard.index = lease.shard and shard.epoch = lease.epoch
       and not shard.settled and shard.done @> int4range(shard.first, shard.first + shard.count)
    returning shard.job_uid, shard.index as shard
  `.execute(tx);
  return rows;
}

/** Those of the jobs that have no shard left, and have not been ended. */
async function listDone(tx: Tx, settled: readonly Settled[]): Promise<readonly { readonly uid: string }[]> {
  if (settled.length === 0) return [];
  const { rows } = await sql<{ readonly uid: string }>`
    select uid from job
     where uid = any (${[...new Set(settled.map(({ jobUid }) => jobUid))]}::uuid[]) and state = any (${OPEN}::text[])
       and not exists (select from shard where shard.job_uid = job.uid and not shard.settled)
     order by uid
  `.execute(tx);
  return rows;
}

/** What was not marked belongs to somebody else, or its holder is wrong about it. */
async function explainRest(
  tx: Tx,
  leases: readonly ShardLease[],
  marked: ReadonlySet<string>,
): Promise<readonly (Problem | undefined)[]> {
  const rest = leases.filter((lease) => !marked.has(toKey(lease)));
  if (rest.length === 0) return leases.map(() => undefined);
  const { rows } = await sql<Settled & { readonly epoch: number; readonly done: string }>`
    select shard.job_uid, shard.index as shard, shard.epoch, shard.done::text as done
      from jsonb_to_recordset(${toRecords(rest)}::jsonb) as lease ("jobUid" uuid, shard int, epoch int)
      join shard on shard.job_uid = lease."jobUid" and shard.index = lease.shard and shard.epoch = lease.epoch and not shard.settled
  `.execute(tx);
  const open = new Map(rows.map((shard) => [`${toKey(shard)}/${shard.epoch}`, shard.done]));
  return leases.map((lease) => {
    const done = open.get(`${toKey(lease)}/${lease.epoch}`);
    return done === undefined ? undefined : incomplete(lease, done);
  });
}

const incomplete = ({ jobUid, shard, first, count }: ShardLease, done: string): Problem =>
  new Problem(
    'INTERNAL',
    `Shard ${shard} was to be settled with all of [${first},${first + count}) committed; only ${done} is.`,
    { reason: 'SHARD_INCOMPLETE', details: { jobUid, shard, done } },
  );

const toKey = ({ jobUid, shard }: Settled): string => `${jobUid}/${shard}`;

const toRecords = (leases: readonly ShardLease[]): string =>
  JSON.stringify(leases.map(({ jobUid, shard, epoch }) => ({ jobUid, shard, epoch })));
