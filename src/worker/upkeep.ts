/** What must happen to jobs by the clock: deadlines, the output limit, and the end of cancelled ones. */
import { crashPoint } from '../base/crash-point.ts';
import { endJobEarly } from '../db/queries/end-job-early.ts';
import { listJobsToEnd } from '../db/queries/list-jobs-to-end.ts';
import type { WorkerContext } from './worker-context.ts';

/** So long everybody who runs rows of a job has time to hear that it ends, and to commit what is finished; somebody who is dead is not waited for longer. */
const GRACE_MS = 15_000;

/** One round. `drop` commits what this worker has finished of a job before the job is closed. */
export async function doUpkeep(
  { store, clock, limits, chores = [] }: WorkerContext,
  drop: (jobUid: string) => Promise<void>,
): Promise<void> {
  for (const chore of chores) await chore();
  const now = clock.now();
  for (const { jobUid, dueAt, ...end } of await listJobsToEnd(store.db, { now, outputBytes: limits.outputBytes })) {
    await drop(jobUid);
    if (now.getTime() - dueAt.getTime() < GRACE_MS && (await store.queue.isHeld('shard', jobUid))) continue;
    crashPoint('expire.before-commit');
    await endJobEarly(store, jobUid, end);
    crashPoint('expire.after-commit');
  }
}
