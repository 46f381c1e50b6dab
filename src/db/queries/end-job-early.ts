import type { Outcome } from '../../jobs/states.ts';
import type { Store, Tx } from '../store.ts';
import { moveJob } from './move-job.ts';

/** Why and how a job ends before its last row. */
export interface JobEnd {
  readonly outcome: Exclude<Outcome, 'COMPLETED'>;
  readonly statusCode: string;
  readonly statusMessage: string;
  readonly at?: Date;
}

/**
 * Ends a job: whoever holds one of its shards can't commit any more, and what is committed goes to its results. A job that was
 * not planned yet has none and ends at once. Repeating it is harmless: false when the job was ending already.
 */
export async function endJobEarly({ db, queue }: Pick<Store, 'db' | 'queue'>, uid: string, end: JobEnd): Promise<boolean> {
  const { outcome, statusCode, statusMessage, at } = end;
  const changes = { outcome, statusCode, statusMessage, ...(at !== undefined && { updatedAt: at }) };
  return db.transaction().execute(async (tx) => {
    const job = await tx.selectFrom('job').select('state').where('uid', '=', uid).forNoKeyUpdate().executeTakeFirst();
    await tx.deleteFrom('waiting').where('jobUid', '=', uid).execute();
    if (job?.state === 'VALIDATING') return (await moveJob(tx, uid, outcome, changes)) !== undefined;
    if ((await moveJob(tx, uid, 'WRITING_RESULTS', changes)) === undefined) return false;
    await fenceShards(tx, uid);
    await queue.add('merge', [{ jobUid: uid }], { tx });
    return true;
  });
}

/** Waits for commits under way; those that come later find an epoch that is not theirs. */
const fenceShards = (tx: Tx, uid: string): Promise<unknown> =>
  tx
    .updateTable('shard')
    .set((shard) => ({ epoch: shard('epoch', '+', 1) }))
    .where('jobUid', '=', uid)
    .where('settled', '=', false)
    .execute();
