/** One worker: plans, runs shards, writes results, and keeps the clock. Everything it does can be killed at any instant and goes on at the next start. */
import { Problem } from '../base/problem.ts';
import { failValidation } from '../db/queries/fail-validation.ts';
import type { Progress } from '../jobs/job.ts';
import { type Adoption, adoptJournals } from './adopt-journals.ts';
import { JobNotes } from './job-notes.ts';
import { JobWatch } from './job-watch.ts';
import { planJob } from './plan-job.ts';
import { ShardLoop } from './shard-loop.ts';
import { TaskLoop } from './task-loop.ts';
import { Upkeep } from './upkeep.ts';
import type { OnTrouble, WorkerContext } from './worker-context.ts';
import { writeResults } from './write-results.ts';

export class Worker {
  readonly #context: WorkerContext;
  readonly #shards: ShardLoop;
  readonly #plans: TaskLoop;
  readonly #merges: TaskLoop;
  readonly #upkeep: Upkeep;
  readonly #notes: JobNotes;

  constructor(given: WorkerContext) {
    this.#notes = new JobNotes(given);
    const context = { ...given, onTrouble: (...trouble: Parameters<OnTrouble>) => this.#trouble(given, ...trouble) };
    this.#context = context;
    this.#shards = new ShardLoop(context);
    this.#plans = new TaskLoop(context, 'plan', (jobUid, signal) => planOrRefuse(context, jobUid, signal));
    this.#merges = new TaskLoop(context, 'merge', (jobUid, signal) => writeResults(context, jobUid, signal));
    const watch = new JobWatch(this.#shards, { store: context.store, notes: this.#notes });
    this.#upkeep = new Upkeep(context, this.#shards, watch);
  }

  /** Adopts what a dead process left on this disk, then begins to work. */
  async start(): Promise<Adoption> {
    const { journalDir, objects, store, log } = this.#context;
    const adoption = await adoptJournals(journalDir, { objects, leases: store.leases });
    if (adoption.segments > 0) log.info({ ...adoption }, 'journals adopted');
    for (const part of [this.#plans, this.#shards, this.#merges, this.#upkeep]) part.start();
    return adoption;
  }

  /** Takes no more rows, lets those in flight finish for a while, commits, gives everything back. */
  async stop(): Promise<void> {
    await Promise.all([this.#plans, this.#shards, this.#merges, this.#upkeep].map((part) => part.stop()));
    await this.#notes.settled();
  }

  /** What this worker has finished of a job beyond the committed parts. */
  live(jobUid: string): Progress | undefined {
    return this.#shards.live(jobUid);
  }

  #trouble({ onTrouble }: WorkerContext, ...trouble: Parameters<OnTrouble>): void {
    this.#notes.trouble(...trouble);
    onTrouble?.(...trouble);
  }

  /** Ends this worker's part in a job, keeping what is finished. */
  drop(jobUid: string): Promise<void> {
    return this.#shards.drop(jobUid);
  }
}

/** A refusal by the plan is the job's end, with the reason in its status; trouble with disk or database is not. */
async function planOrRefuse(context: WorkerContext, jobUid: string, signal: AbortSignal): Promise<void> {
  try {
    await planJob(context, jobUid, signal);
  } catch (cause) {
    if (!(cause instanceof Problem) || !REFUSALS.has(cause.code) || OURS.has(cause.reason)) throw cause;
    await failValidation(context.store.db, jobUid, { statusCode: cause.code, statusMessage: cause.message, reportKey: null });
  }
}

/** Trouble of the house, whatever its code. */
const OURS: ReadonlySet<string> = new Set(['STORE_NOT_WRITABLE', 'OBJECT_NOT_FOUND', 'DISK_FULL']);
const REFUSALS: ReadonlySet<string> = new Set(['INVALID_ARGUMENT', 'FAILED_PRECONDITION', 'NOT_FOUND', 'OUT_OF_RANGE']);
