import { Problem } from '../base/problem.ts';
import { parseBatchId } from '../contract/openai/ids.ts';
import { findJob } from '../db/queries/find-job.ts';
import type { Job } from '../jobs/job.ts';
import type { Caller, Context } from './context.ts';

/** The job behind the id of a batch; NOT_FOUND when there is none, also for one that is being deleted. */
export async function getBatch({ store }: Context, { accountId }: Caller, batchId: string): Promise<Job> {
  const jobId = parseBatchId(batchId);
  const job = jobId === undefined ? undefined : await findJob(store.db, accountId, jobId);
  if (job !== undefined && job.state !== 'DELETING_CLEANING_UP') return job;
  throw new Problem('NOT_FOUND', `There is no batch with the id "${batchId.slice(0, 100)}".`, { reason: 'BATCH_NOT_FOUND' });
}
