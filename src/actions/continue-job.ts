/** A job for the rows that another one, and those that it continued, left without an answer. */
import { Problem } from '../base/problem.ts';
import type { Job } from '../jobs/job.ts';
import { isFinal } from '../jobs/states.ts';
import type { Caller, Context } from './context.ts';
import { createJob, type JobWish } from './create-job.ts';
import { getJob } from './get-job.ts';

/** What isn't said is inherited from the job that is continued; the model and the settings may change. */
export type ContinuationWish = Omit<JobWish, 'inputDataset' | 'settings'> & {
  readonly continuedFrom: string;
  readonly settings?: JobWish['settings'] | undefined;
};

/** Starts it; refused while the job that it continues still runs. */
export async function continueJob(context: Context, caller: Caller, { continuedFrom, ...wish }: ContinuationWish): Promise<Job> {
  const parent = await getJob(context, caller, continuedFrom);
  if (!isFinal(parent.state)) throw stillRunning(parent);
  return createJob(context, caller, {
    ...wish,
    model: wish.model ?? parent.model,
    settings: wish.settings ?? parent.settings,
    inputDataset: parent.inputDatasetId,
    continuedFrom: parent.id,
  });
}

const stillRunning = ({ id, state }: Job): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `Job "${id}" is ${state}: only a job that has ended can be continued. Wait for it, or cancel it.`,
    { reason: 'JOB_NOT_ENDED' },
  );
