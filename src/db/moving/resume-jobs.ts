import { sql } from 'kysely';
import { PLANS, type Waiting } from '../queries/line-up.ts';
import type { Queue, Tx } from '../store.ts';

/** Gives every unfinished job its place in the line anew, as its tables say; what was in queues before is forgotten. */
export async function resumeJobs(tx: Tx, queue: Queue): Promise<void> {
  await tx.deleteFrom('waiting').execute();
  await tx.deleteFrom('turn').execute();
  await queue.lineUp(tx, [...(await listPlans(tx)), ...(await listShards(tx))]);
  const merges = await tx.selectFrom('job').select('uid as jobUid').where('state', '=', 'WRITING_RESULTS').execute();
  await queue.add('merge', merges, { tx });
}

async function listPlans(tx: Tx): Promise<readonly Waiting[]> {
  const jobs = await tx
    .selectFrom('job')
    .select(['uid as jobUid', 'accountId', 'createdAt as from', 'expiresAt as until'])
    .where('state', '=', 'VALIDATING')
    .execute();
  return jobs.map((job) => ({ ...job, lane: PLANS, next: 0, last: 0 }));
}

/** From the first shard that is not settled to the last; settled ones between them are known to whoever takes them. */
async function listShards(tx: Tx): Promise<readonly Waiting[]> {
  const { rows } = await sql<Omit<Waiting, 'from'>>`
    select job.uid as job_uid, coalesce(shard.model, job.model) as lane, job.account_id, job.expires_at as until,
           min(shard.index) as next, max(shard.index) as last
      from job join shard on shard.job_uid = job.uid
     where job.state in ('PENDING', 'RUNNING', 'PAUSED') and not shard.settled
     group by job.uid, lane
  `.execute(tx);
  const from = new Date();
  return rows.map((waiting) => ({ ...waiting, from }));
}
