import { modelWord } from '../../actions/list-usable-models.ts';
import type { ValidationReport } from '../../contract/job.ts';
import type { Batch, BatchError } from '../../contract/openai/batch.ts';
import { sumProgressOfJobs } from '../../db/queries/sum-progress-of-jobs.ts';
import { NOTHING_DONE } from '../../jobs/add-up.ts';
import type { Job } from '../../jobs/job.ts';
import type { ApiContext } from '../api-context.ts';
import { toBatchError, toLineErrors } from './batch-errors.ts';
import { toBatchReply } from './batch-reply.ts';

/** Jobs in the shape of batches, with what is known of them beside their own row. */
export async function replyBatches(context: ApiContext, jobs: readonly Job[]): Promise<Batch[]> {
  const sums = await sumProgressOfJobs(
    context.store.db,
    jobs.map(({ uid }) => uid),
  );
  return Promise.all(
    jobs.map(async (job) =>
      toBatchReply(job, {
        progress: sums.get(job.uid) ?? NOTHING_DONE,
        model: job.model === '' ? null : modelWord(context, job.accountId, job.model),
        errors: await readErrors(context, job),
      }),
    ),
  );
}

/** The same of one. */
export async function replyBatch(context: ApiContext, job: Job): Promise<Batch> {
  const [reply] = await replyBatches(context, [job]);
  if (reply === undefined) throw new Error('a batch has a reply');
  return reply;
}

/** A job that failed before it was planned did so for its lines, where a report says which. */
async function readErrors({ objects }: ApiContext, job: Job): Promise<BatchError[] | null> {
  if (job.state !== 'FAILED') return null;
  if (job.reportKey === null || job.planKey !== null) return [toBatchError(job)];
  // The planner wrote it, in this shape.
  return toLineErrors(JSON.parse((await objects.read(job.reportKey)).toString()) as ValidationReport);
}
