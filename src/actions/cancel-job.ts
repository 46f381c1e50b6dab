import { crashPoint } from '../base/crash-point.ts';
import { Problem } from '../base/problem.ts';
import { endJobEarly } from '../db/queries/end-job-early.ts';
import { moveJob } from '../db/queries/move-job.ts';
import type { Job } from '../jobs/job.ts';
import { type JobState, statesBefore } from '../jobs/states.ts';
import type { Caller, Context } from './context.ts';
import { getJob } from './get-job.ts';

/** States in which the end is already near: asking again changes nothing. */
const ENDING: readonly JobState[] = ['CANCELLING', 'WRITING_RESULTS', 'CANCELLED'];

/** Stops a job; rows that are finished reach its output. Workers are told, so it reads CANCELLING for a moment. Asking twice is harmless. */
export async function cancelJob(context: Context, caller: Caller, name: string): Promise<Job> {
  const job = await getJob(context, caller, name);
  crashPoint('cancel.before-commit');
  if (job.state === 'VALIDATING') await endAtOnce(context, job);
  else if (statesBefore('CANCELLING').includes(job.state))
    await moveJob(context.store.db, job.uid, 'CANCELLING', { updatedAt: context.clock.now() });
  else if (!ENDING.includes(job.state)) throw tooLate(job);
  crashPoint('cancel.after-commit');
  return getJob(context, caller, name);
}

/** Nothing has run yet, so there is nothing to wait for. */
const endAtOnce = ({ store, clock }: Context, { uid }: Job): Promise<unknown> =>
  endJobEarly(store, uid, {
    outcome: 'CANCELLED',
    statusCode: 'CANCELLED',
    statusMessage: 'Cancelled before it ran.',
    at: clock.now(),
  });

const tooLate = ({ id, state }: Job): Problem =>
  new Problem('FAILED_PRECONDITION', `Job "${id}" can't be cancelled: it is ${state}.`, {
    reason: 'JOB_ENDED',
    details: { state },
  });
