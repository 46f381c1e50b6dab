/** Looks after the jobs whose shards this worker holds: how their engines are, and whether somebody has paused, deleted or ended them elsewhere. */
import { listStates } from '../db/queries/list-states.ts';
import type { Store } from '../db/store.ts';
import type { PoolStatus } from '../engines/pool.ts';
import type { JobState } from '../jobs/states.ts';
import type { JobNotes } from './job-notes.ts';
import type { JobRun } from './job-run.ts';

/** Engines that refuse or lose everything for less than this are none of a person's business. */
const LOST_AFTER_MS = 3_000;
/** Later than a job whose engines refuse it for good is ended (`WorkerLimits.hopelessMs`): this is for engines that may come back. */
const STARVED_AFTER_MS = 15_000;

/** States in which a job's rows run; CANCELLING is seen to by upkeep. */
const LEFT_ALONE: readonly (JobState | undefined)[] = ['PENDING', 'RUNNING', 'CANCELLING'];

/** What is looked after. */
export interface WatchedJobs {
  /** Uids of the jobs whose shards are held. */
  held(): readonly string[];
  find(jobUid: string): JobRun | undefined;
  /** No further rows; those in flight may finish. */
  pause(jobUid: string): void;
  /** Its shards make room for jobs whose engines answer. */
  starve(jobUid: string): void;
  /** Not even those in flight. */
  drop(jobUid: string): Promise<void>;
}

export class JobWatch {
  readonly #jobs: WatchedJobs;
  readonly #store: Pick<Store, 'db'>;
  readonly #notes: JobNotes;
  #silentSinceMs = new Map<string, number>();

  constructor(jobs: WatchedJobs, { store, notes }: { readonly store: Pick<Store, 'db'>; readonly notes: JobNotes }) {
    this.#jobs = jobs;
    this.#store = store;
    this.#notes = notes;
  }

  /** To be called every second. */
  async look(): Promise<void> {
    const held = this.#jobs.held();
    this.#lookAtEngines(held);
    const states = await listStates(this.#store.db, held);
    for (const jobUid of held) {
      const state = states.get(jobUid);
      if (state === 'PAUSED') this.#jobs.pause(jobUid);
      else if (!LEFT_ALONE.includes(state)) await this.#jobs.drop(jobUid);
    }
  }

  #lookAtEngines(held: readonly string[]): void {
    const silentSinceMs = new Map<string, number>();
    for (const jobUid of held) {
      const engines = this.#jobs.find(jobUid)?.pool.status() ?? [];
      if (engines.length === 0) continue;
      if (engines.some(({ state }) => state === 'ready')) {
        this.#notes.engines(jobUid, undefined);
        continue;
      }
      const sinceMs = this.#silentSinceMs.get(jobUid) ?? performance.now();
      silentSinceMs.set(jobUid, sinceMs);
      const silentMs = performance.now() - sinceMs;
      if (silentMs >= LOST_AFTER_MS) this.#notes.engines(jobUid, inWords(engines));
      if (silentMs >= STARVED_AFTER_MS) this.#jobs.starve(jobUid);
    }
    this.#silentSinceMs = silentSinceMs;
  }
}

const inWords = (engines: readonly PoolStatus[]): string => engines.map(({ engine, why }) => `${engine}: ${why}`).join(' ');
