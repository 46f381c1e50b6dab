/** Looks after the jobs whose shards this worker holds: how their engines are, and whether somebody has paused, deleted or ended them elsewhere. */
import type { PoolStatus } from '../engines/pool.ts';
import type { LeasedJobs } from '../jobs/leased-jobs.ts';
import type { JobState } from '../jobs/states.ts';
import type { EnginesOf, JobNotes } from './job-notes.ts';
import type { JobRun } from './job-run.ts';

/** Engines that refuse or lose everything for less than this are none of a person's business. */
const LOST_AFTER_MS = 3_000;
/** Later than a job whose engines refuse it for good is ended (`WorkerLimits.hopelessMs`): this is for engines that may come back. */
const STARVED_AFTER_MS = 15_000;

/** States in which a job's rows run. */
const LEFT_ALONE: readonly (JobState | undefined)[] = ['PENDING', 'RUNNING'];

/** What is looked after. */
export interface WatchedJobs {
  /** Uids of the jobs whose shards are held. */
  held(): readonly string[];
  /** The job's runs, one for each of its models. */
  find(jobUid: string): readonly JobRun[];
  /** No further rows; those in flight may finish. */
  pause(run: JobRun): void;
  /** Its shards make room for rows whose engines answer. */
  starve(run: JobRun): void;
  /** Not even those in flight. */
  drop(jobUid: string): Promise<void>;
}

export class JobWatch {
  readonly #watched: WatchedJobs;
  readonly #jobs: Pick<LeasedJobs, 'states'>;
  readonly #notes: JobNotes;
  #silentSinceMs = new Map<JobRun, number>();

  constructor(watched: WatchedJobs, { jobs, notes }: { readonly jobs: Pick<LeasedJobs, 'states'>; readonly notes: JobNotes }) {
    this.#watched = watched;
    this.#jobs = jobs;
    this.#notes = notes;
  }

  /** To be called every second. */
  async look(): Promise<void> {
    const held = this.#watched.held();
    this.#lookAtEngines(held.flatMap((jobUid) => this.#watched.find(jobUid)));
    const states = await this.#jobs.states(held);
    for (const jobUid of held) {
      const state = states.get(jobUid);
      if (state === 'PAUSED') for (const run of this.#watched.find(jobUid)) this.#watched.pause(run);
      else if (!LEFT_ALONE.includes(state)) await this.#watched.drop(jobUid);
    }
  }

  #lookAtEngines(runs: readonly JobRun[]): void {
    const silentSinceMs = new Map<JobRun, number>();
    for (const run of runs) {
      const engines = run.pool.status();
      const of = { jobUid: run.job.uid, model: run.model };
      if (engines.some(({ state }) => state === 'ready')) {
        this.#notes.engines(of, undefined);
        for (const engine of engines) this.#lookAtOne(engine, of);
        continue;
      }
      const sinceMs = this.#silentSinceMs.get(run) ?? performance.now();
      silentSinceMs.set(run, sinceMs);
      const silentMs = performance.now() - sinceMs;
      if (silentMs >= LOST_AFTER_MS) this.#notes.engines(of, inWords(engines));
      if (silentMs >= STARVED_AFTER_MS) this.#watched.starve(run);
    }
    this.#silentSinceMs = silentSinceMs;
  }

  /** One that fails while others answer. */
  #lookAtOne({ engine, state, why, since }: PoolStatus, of: EnginesOf): void {
    if (state === 'ready') this.#notes.engine({ ...of, engine }, undefined);
    else if (state !== 'draining' && Date.now() - since.getTime() >= LOST_AFTER_MS) this.#notes.engine({ ...of, engine }, why);
  }
}

const inWords = (engines: readonly PoolStatus[]): string =>
  engines.map(({ engine, why }) => `${engine}: ${why}`).join(' ') || 'Its engines were all removed or drained.';
