import { Problem } from '../base/problem.ts';
import { endJobEarly } from '../db/queries/end-job-early.ts';
import type { Job } from '../jobs/job.ts';
import { isFinal, type JobState } from '../jobs/states.ts';
import type { Caller, Context } from './context.ts';
import { getJob } from './get-job.ts';

/** States in which the end is already near: asking again changes nothing. */
const ENDING: readonly JobState[] = ['CANCELLING', 'WRITING_RESULTS', 'CANCELLED'];

/** Stops a job; rows that are finished reach its output. Asking twice is harmless. */
export async function cancelJob(context: Context, caller: Caller, name: string): Promise<Job> {
  const job = await getJob(context, caller, name);
  if (ENDING.includes(job.state)) return job;
  if (isFinal(job.state) || job.state === 'DELETING_CLEANING_UP') throw tooLate(job);
  await endJobEarly(context.store, job.uid, {
    outcome: 'CANCELLED',
    statusCode: 'CANCELLED',
    statusMessage: 'Cancelled on request; the rows that were finished are kept.',
    at: context.clock.now(),
  });
  return getJob(context, caller, name);
}

const tooLate = ({ id, state }: Job): Problem =>
  new Problem('FAILED_PRECONDITION', `Job "${id}" can't be cancelled: it is ${state}.`, {
    reason: 'JOB_ENDED',
    details: { state },
  });
