/** A job for the rows that another one, and those that it continued, left without an answer. */
import { Problem } from '../base/problem.ts';
import { listLineage } from '../db/queries/list-lineage.ts';
import { sumProgressOfJobs } from '../db/queries/sum-progress-of-jobs.ts';
import { ancestorsOf } from '../jobs/ancestors.ts';
import type { Job, JobSettings } from '../jobs/job.ts';
import { isFinal } from '../jobs/states.ts';
import type { Caller, Context } from './context.ts';
import { createJob, type JobWish } from './create-job.ts';
import { getJob } from './get-job.ts';
import { ownId } from './own-id.ts';

/** What isn't said is inherited from the job that is continued; the model and the settings may change. */
export type ContinuationWish = Omit<JobWish, 'settings'> & {
  readonly continuedFrom: string;
  /** In place of all inherited ones. */
  readonly settings?: JobSettings | undefined;
  /** On top of the inherited ones. */
  readonly changes?: JobSettings | undefined;
};

/** Starts it; refused while the job that it continues still runs, and when there is nothing left to run. */
export async function continueJob(
  context: Context,
  caller: Caller,
  { continuedFrom, changes, ...wish }: ContinuationWish,
): Promise<Job> {
  const parent = await getJob(context, caller, continuedFrom);
  if (!isFinal(parent.state)) throw stillRunning(parent);
  checkInput(caller, parent, wish.inputDataset);
  await checkIsLeft(context, parent);
  return createJob(context, caller, {
    ...wish,
    model: wish.model ?? (parent.model || undefined),
    endpoint: wish.model === undefined ? (parent.endpoint ?? undefined) : undefined,
    settings: wish.settings ?? { ...parent.settings, ...changes },
    onInvalidRow: wish.onInvalidRow ?? parent.onInvalidRow,
    maxDurationSeconds: wish.maxDurationSeconds ?? parent.maxDurationSeconds ?? undefined,
    inputDataset: parent.inputDatasetId,
    continuedFrom: parent.id,
  });
}

/** May be said, but not be another: what is left is counted in rows of that one. */
const checkInput = ({ accountId }: Caller, { id, inputDatasetId }: Job, said: string | undefined): void => {
  if (said === undefined || ownId(accountId, 'datasets', said) === inputDatasetId) return;
  throw new Problem(
    'INVALID_ARGUMENT',
    `A continuation of job "${id}" has its input, "${inputDatasetId}". Leave inputDatasetId out, or start a job of its own.`,
    { reason: 'OTHER_INPUT', details: { field: 'inputDatasetId' } },
  );
};

/** Every job of a chain runs only rows that have no answer yet, so that answers add up. */
async function checkIsLeft({ store: { db } }: Context, parent: Job): Promise<void> {
  const chain = [parent, ...ancestorsOf(parent, await listLineage(db, parent.accountId, parent.id))];
  const sums = await sumProgressOfJobs(
    db,
    chain.map(({ uid }) => uid),
  );
  const answered = chain.reduce((sum, { uid }) => sum + (sums.get(uid)?.ok ?? 0), 0);
  if (parent.inputRows !== null && answered >= parent.inputRows) throw nothingLeft(parent);
}

const stillRunning = ({ id, state }: Job): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `Job "${id}" is ${state}: only a job that has ended can be continued. Wait for it, or cancel it.`,
    { reason: 'JOB_NOT_ENDED' },
  );

const nothingLeft = ({ id }: Job): Problem =>
  new Problem('FAILED_PRECONDITION', `Every row of job "${id}" has its answer: there is nothing left to run.`, {
    reason: 'NOTHING_TO_CONTINUE',
  });
