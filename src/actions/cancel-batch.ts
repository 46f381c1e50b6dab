import { Problem } from '../base/problem.ts';
import type { Job } from '../jobs/job.ts';
import { cancelJob } from './cancel-job.ts';
import type { Caller, Context } from './context.ts';
import { getBatch } from './get-batch.ts';

/** The reason of the refusal to cancel what has ended. */
export const BATCH_ENDED = 'BATCH_ENDED';

/** Stops a batch, as `cancelJob` does; one that has ended in another way is a conflict. */
export async function cancelBatch(context: Context, caller: Caller, batchId: string): Promise<Job> {
  const { id } = await getBatch(context, caller, batchId);
  return cancelJob(context, caller, id).catch((cause: unknown) => {
    if (!(cause instanceof Problem) || cause.reason !== 'JOB_ENDED') throw cause;
    throw new Problem('ABORTED', `Cannot cancel a batch with status '${String(cause.details['state']).toLowerCase()}'.`, {
      reason: BATCH_ENDED,
      cause,
    });
  });
}
