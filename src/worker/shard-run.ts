/** One leased shard from its first row to its settlement. */
import { setMaxListeners } from 'node:events';
import type { PartClaim, ShardLease } from '../jobs/leases.ts';
import { countPositions } from '../jobs/ranges.ts';
import type { ResultRow } from '../jobs/result-row.ts';
import type { JobRun } from './job-run.ts';
import { type ReadableRow, readRows } from './read-rows.ts';
import { refuseRow, runRow } from './run-row.ts';

export type ShardEnd =
  /** All rows are committed. */
  | 'done'
  /** Somebody else holds the shard: nothing of ours counts any more. */
  | 'lost'
  /** The worker or the job stops; rows may be left. */
  | 'stopped';

export class ShardRun {
  readonly job: JobRun;
  readonly lease: ShardLease;
  readonly #onHandedOut: () => void;
  readonly #lost = new AbortController();
  readonly #dispatchUntil: AbortSignal;
  readonly #answerUntil: AbortSignal;
  #inFlight = 0;
  #uncommitted: number;
  #onIdle: (() => void) | undefined;

  /** `onHandedOut`: no row is left that no engine was given, or none will be. */
  constructor(job: JobRun, lease: ShardLease, onHandedOut: () => void) {
    this.#onHandedOut = onHandedOut;
    this.job = job;
    this.lease = lease;
    this.#uncommitted = lease.count - countPositions(lease.done);
    this.#dispatchUntil = AbortSignal.any([job.stopped, this.#lost.signal]);
    this.#answerUntil = AbortSignal.any([job.aborted, this.#lost.signal]);
    for (const signal of [this.#dispatchUntil, this.#answerUntil]) setMaxListeners(0, signal);
  }

  /** Runs the rows and waits until they are committed. */
  async run(): Promise<ShardEnd> {
    await this.job.untilCommitted(() => this.#finishAll());
    if (this.#lost.signal.aborted) return 'lost';
    return this.#uncommitted === 0 ? 'done' : 'stopped';
  }

  /** Somebody else holds the shard: stop, and let nothing of it be committed. */
  lose(): void {
    this.#lost.abort();
  }

  committed(claim: PartClaim): void {
    this.#uncommitted -= claim.ok + claim.failed;
  }

  async #finishAll(): Promise<void> {
    try {
      await this.job.inTurn(() => this.#dispatch());
    } finally {
      this.#onHandedOut();
      await this.#idle();
    }
  }

  async #dispatch(): Promise<void> {
    try {
      for await (const row of readRows(this.job.source, this.lease)) {
        await this.job.journal.room();
        const { hopeless, isOneOfSeveral } = this.job;
        if (hopeless !== undefined && isOneOfSeveral) {
          this.#finish(row, refuseRow(this.job, row, hopeless));
          continue;
        }
        const slot = await this.job.pool.acquire(this.lease.accountId, this.#dispatchUntil);
        this.#inFlight += 1;
        void this.#answer(row, slot);
      }
    } catch (cause) {
      if (!this.#dispatchUntil.aborted) throw cause;
    }
  }

  async #answer(row: ReadableRow, slot: Parameters<typeof runRow>[2]['slot']): Promise<void> {
    try {
      const outcome = await runRow(this.job, row, { slot, signal: this.#answerUntil });
      if (outcome.kind === 'fatal') this.job.fail(outcome.message);
      if (outcome.kind === 'result') this.#finish(row, outcome.result);
    } catch (cause) {
      this.job.crash(cause);
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#onIdle?.();
    }
  }

  #finish({ position, row }: ReadableRow, result: ResultRow): void {
    const { shard, epoch } = this.lease;
    if (!this.#lost.signal.aborted) this.job.finish({ ...result, position, row, shard, epoch });
  }

  async #idle(): Promise<void> {
    while (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
  }
}
