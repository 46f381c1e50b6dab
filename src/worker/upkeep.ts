/** What must happen to jobs by the clock: deadlines, the output limit, and the end of cancelled ones. */
import { crashPoint } from '../base/crash-point.ts';
import { endJobEarly } from '../db/queries/end-job-early.ts';
import { listJobsToEnd } from '../db/queries/list-jobs-to-end.ts';
import type { WorkerContext } from './worker-context.ts';

/** One round. `drop` commits what this worker has finished of a job before the job is closed. */
export async function doUpkeep(
  { store, clock, limits, chores = [] }: WorkerContext,
  drop: (jobUid: string) => Promise<void>,
): Promise<void> {
  for (const chore of chores) await chore();
  for (const { jobUid, ...end } of await listJobsToEnd(store.db, { now: clock.now(), outputBytes: limits.outputBytes })) {
    await drop(jobUid);
    crashPoint('expire.before-commit');
    await endJobEarly(store, jobUid, end);
    crashPoint('expire.after-commit');
  }
}
