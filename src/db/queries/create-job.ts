import { Problem } from '../../base/problem.ts';
import type { Job } from '../../jobs/job.ts';
import type { Store, Tx } from '../store.ts';
import { ACTIVE_STATES } from './active-states.ts';
import { PLANS } from './line-up.ts';
import { lockAccount } from './lock-account.ts';

/** What comes with a new job and is not part of it. */
export interface JobBirth {
  /** The key that it is created with. */
  readonly apiKeyId?: string | null;
  /** A last word under the account's lock, by throwing. */
  readonly check?: (tx: Tx) => Promise<void>;
}

/** Writes a new job and queues its planning, both or neither; refuses when the name or the output is taken, or the input is gone by now. */
export async function createJob(
  { db, queue }: Pick<Store, 'db' | 'queue'>,
  job: Job,
  { apiKeyId = null, check }: JobBirth = {},
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await lockAccount(tx, job.accountId);
    await checkName(tx, job);
    await checkInput(tx, job);
    await checkOutput(tx, job);
    await check?.(tx);
    await tx
      .insertInto('job')
      .values({ ...job, apiKeyId, outcome: null, shardCount: null })
      .execute();
    const { uid: jobUid, accountId, createdAt: from, expiresAt: until } = job;
    await queue.lineUp(tx, [{ jobUid, lane: PLANS, accountId, next: 0, last: 0, from, until }]);
  });
}

async function checkName(tx: Tx, { uid, accountId, id }: Job): Promise<void> {
  const other = await tx
    .selectFrom('job')
    .select('uid')
    .where((eb) => eb.or([eb('uid', '=', uid), eb.and([eb('accountId', '=', accountId), eb('id', '=', id)])]))
    .executeTakeFirst();
  if (other === undefined) return;
  throw new Problem('ALREADY_EXISTS', `There is a job "${id}" already. Choose another name, or delete that job first.`, {
    reason: 'JOB_EXISTS',
    details: { jobId: id },
  });
}

/** Whoever deletes a dataset holds the same lock and looks for jobs. */
async function checkInput(tx: Tx, { accountId, inputDatasetId: id }: Job): Promise<void> {
  const dataset = await tx
    .selectFrom('dataset')
    .select('state')
    .where('accountId', '=', accountId)
    .where('id', '=', id)
    .executeTakeFirst();
  if (dataset?.state === 'READY') return;
  throw new Problem('FAILED_PRECONDITION', `Dataset "${id}" was deleted, or isn't READY any more. Upload it again.`, {
    reason: 'DATASET_NOT_READY',
  });
}

/** The output may be there without files; a second writer or a dataset with files would be overwritten. */
async function checkOutput(tx: Tx, { accountId, outputDatasetId: id }: Job): Promise<void> {
  const file = tx.selectFrom('datasetFile').select('name').where('accountId', '=', accountId).where('datasetId', '=', id);
  const writer = tx
    .selectFrom('job')
    .select('id')
    .where('accountId', '=', accountId)
    .where('outputDatasetId', '=', id)
    .where('state', 'in', ACTIVE_STATES);
  if ((await file.executeTakeFirst()) === undefined && (await writer.executeTakeFirst()) === undefined) return;
  throw new Problem(
    'ALREADY_EXISTS',
    `The output dataset "${id}" has files already, or a running job writes to it. Name another one, or none.`,
    {
      reason: 'OUTPUT_DATASET_EXISTS',
      details: { datasetId: id },
    },
  );
}
