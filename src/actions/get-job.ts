import { Problem } from '../base/problem.ts';
import { makeName } from '../contract/names.ts';
import { findJob } from '../db/queries/find-job.ts';
import type { Job } from '../jobs/job.ts';
import type { Caller, Context } from './context.ts';
import { ownId } from './own-id.ts';

/** Finds one of the caller's jobs by id or full name; NOT_FOUND when there is none. */
export async function getJob({ store }: Context, { accountId }: Caller, name: string): Promise<Job> {
  const id = ownId(accountId, 'batchInferenceJobs', name);
  const job = await findJob(store.db, accountId, id);
  if (job !== undefined) return job;
  throw new Problem('NOT_FOUND', `resource not found: ${makeName(accountId, 'batchInferenceJobs', id)}`, {
    reason: 'JOB_NOT_FOUND',
  });
}
