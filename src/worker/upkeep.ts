/** What must happen to jobs by the clock: deadlines, the output limit, and the end of cancelled ones. */
import { endJobEarly } from '../db/queries/end-job-early.ts';
import { listJobsToEnd } from '../db/queries/list-jobs-to-end.ts';
import type { JobWatch, WatchedJobs } from './job-watch.ts';
import type { WorkerContext } from './worker-context.ts';

const EVERY_MS = 1_000;

export class Upkeep {
  readonly #context: WorkerContext;
  /** Commits what this worker has finished of the job before the job is closed. */
  readonly #drop: (jobUid: string) => Promise<void>;
  readonly #watch: JobWatch;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();
  #busy = false;

  constructor(context: WorkerContext, jobs: WatchedJobs, watch: JobWatch) {
    this.#context = context;
    this.#drop = (jobUid) => jobs.drop(jobUid);
    this.#watch = watch;
  }

  start(): void {
    this.#timer = setInterval(() => {
      if (!this.#busy) this.#round = this.#doRound();
    }, EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#round;
  }

  async #doRound(): Promise<void> {
    const { store, clock, limits, log } = this.#context;
    this.#busy = true;
    try {
      await this.#watch.look();
      for (const chore of this.#context.chores ?? []) await chore();
      for (const { jobUid, ...end } of await listJobsToEnd(store.db, { now: clock.now(), outputBytes: limits.outputBytes })) {
        await this.#drop(jobUid);
        await endJobEarly(store, jobUid, end);
      }
    } catch (cause) {
      log.warn({ cause }, 'upkeep failed, trying again');
    } finally {
      this.#busy = false;
    }
  }
}
