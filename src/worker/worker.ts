/** One worker: plans, runs shards, writes results, and keeps the clock. Everything it does can be killed at any instant and goes on at the next start. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../base/problem.ts';
import { failValidation } from '../db/queries/fail-validation.ts';
import type { Progress } from '../jobs/job.ts';
import type { Adoption } from './adopt-journals.ts';
import { planJob } from './plan-job.ts';
import { Rounds } from './rounds.ts';
import { RowWorker } from './row-worker.ts';
import { TaskLoop } from './task-loop.ts';
import { doUpkeep } from './upkeep.ts';
import type { WorkerContext } from './worker-context.ts';
import { writeResults } from './write-results.ts';

export class Worker {
  readonly #rows: RowWorker;
  readonly #plans: TaskLoop;
  readonly #merges: TaskLoop;
  readonly #upkeep: Rounds;
  readonly #scratchDir: string;

  constructor(given: WorkerContext) {
    this.#scratchDir = given.scratchDir;
    const { leases, jobs } = given.store;
    this.#rows = new RowWorker({ ...given, leases, jobs });
    const context = { ...given, onTrouble: this.#rows.trouble };
    this.#plans = new TaskLoop(context, 'plan', (jobUid, signal) => planOrRefuse(context, jobUid, signal));
    this.#merges = new TaskLoop(context, 'merge', (jobUid, signal) => writeResults(context, jobUid, signal));
    this.#upkeep = new Rounds(() => doUpkeep(context, (jobUid) => this.drop(jobUid)), context.log);
  }

  /** Adopts what a dead process left on this disk, then begins to work. */
  async start(): Promise<Adoption> {
    await empty(this.#scratchDir);
    const adoption = await this.#rows.start();
    for (const part of [this.#plans, this.#merges, this.#upkeep]) part.start();
    return adoption;
  }

  /** Takes no more rows, lets those in flight finish for a while, commits, gives everything back. */
  async stop(): Promise<void> {
    await Promise.all([this.#plans, this.#merges, this.#upkeep, this.#rows].map((part) => part.stop()));
  }

  /** What this worker has finished of a job beyond the committed parts. */
  live(jobUid: string): Progress | undefined {
    return this.#rows.live(jobUid);
  }

  /** Ends this worker's part in a job, keeping what is finished. */
  drop(jobUid: string): Promise<void> {
    return this.#rows.drop(jobUid);
  }
}

/** What a merge left that was killed: a large job's rows. The folder itself may be a disk of its own. */
async function empty(dir: string): Promise<void> {
  const names = await readdir(dir).catch(() => []);
  await Promise.all(names.map((name) => rm(join(dir, name), { recursive: true, force: true })));
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
