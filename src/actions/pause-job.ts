/** A job put aside by a person, and taken up again. Its window goes on meanwhile. */
import { Problem } from '../base/problem.ts';
import { addEvent } from '../db/queries/add-event.ts';
import { moveJob } from '../db/queries/move-job.ts';
import type { Job } from '../jobs/job.ts';
import { type JobState, statesBefore } from '../jobs/states.ts';
import type { Caller, Context } from './context.ts';
import { getJob } from './get-job.ts';

/** Stops handing out its rows; those in flight are finished and kept. Asking twice is harmless. */
export async function pauseJob(context: Context, caller: Caller, name: string): Promise<Job> {
  const job = await getJob(context, caller, name);
  if (job.state === 'PAUSED') return job;
  if (!statesBefore('PAUSED').includes(job.state)) throw notNow(job, 'paused');
  await move(context, job, { to: 'PAUSED', kind: 'paused', message: `Paused by ${caller.name}`, by: caller.name });
  return getJob(context, caller, name);
}

/** Lets it wait for its next free worker. Asking for one that isn't paused is harmless while it hasn't ended. */
export async function resumeJob(context: Context, caller: Caller, name: string): Promise<Job> {
  const job = await getJob(context, caller, name);
  if (UNDER_WAY.includes(job.state)) return job;
  if (job.state !== 'PAUSED') throw notNow(job, 'resumed');
  await move(context, job, { to: 'PENDING', kind: 'resumed', message: `Resumed by ${caller.name}`, by: caller.name });
  return getJob(context, caller, name);
}

const UNDER_WAY: readonly JobState[] = ['VALIDATING', 'PENDING', 'RUNNING'];

interface Move {
  readonly to: JobState;
  readonly kind: string;
  readonly message: string;
  readonly by: string;
}

/** Somebody else may have moved it first: then there is nothing to note. */
const move = ({ store, clock }: Context, { uid }: Job, { to, kind, message, by }: Move): Promise<void> =>
  store.db.transaction().execute(async (tx) => {
    const at = clock.now();
    const moved = await moveJob(tx, uid, to, { updatedAt: at });
    if (moved !== undefined) await addEvent(tx, { jobUid: uid, at, kind, message, details: { by } });
  });

const notNow = ({ id, state }: Job, what: string): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    state === 'VALIDATING'
      ? `Job "${id}" can't be ${what} while its input is being checked. Ask again once it is PENDING.`
      : `Job "${id}" can't be ${what}: it is ${state}.`,
    { reason: state === 'VALIDATING' ? 'JOB_VALIDATING' : 'JOB_ENDED', details: { state } },
  );
