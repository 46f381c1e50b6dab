/** One leased shard from its first row to its settlement. */
import { setMaxListeners } from 'node:events';
import type { Slot } from '../engines/pool.ts';
import type { PartClaim, ShardLease } from '../jobs/leases.ts';
import { countPositions } from '../jobs/ranges.ts';
import type { ResultRow } from '../jobs/result-row.ts';
import { askRow } from './ask-row.ts';
import { follow } from './follow.ts';
import type { JobRun } from './job-run.ts';
import type { ReadableRow } from './read-rows.ts';
import { refuseRow } from './run-row.ts';
import { runTwin } from './run-twin.ts';
import { openShardRows, type UnreadRow } from './shard-rows.ts';

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
  /** No further rows. */
  readonly #stop = new AbortController();
  /** Nor those in flight. */
  readonly #abort = new AbortController();
  #isLost = false;
  /** What kept a row from being read. */
  #failure: { readonly cause: unknown } | undefined;
  #inFlight = 0;
  #uncommitted: number;
  #onIdle: (() => void) | undefined;

  /** `onHandedOut`: no row is left that no engine was given, or none will be. */
  constructor(job: JobRun, lease: ShardLease, onHandedOut: () => void) {
    this.#onHandedOut = onHandedOut;
    this.job = job;
    this.lease = lease;
    this.#uncommitted = lease.count - countPositions(lease.done);
    for (const { signal } of [this.#stop, this.#abort]) setMaxListeners(0, signal);
  }

  /** Runs the rows and waits until they are committed. */
  async run(): Promise<ShardEnd> {
    const stop = follow(this.job.stopped, this.#stop);
    const abort = follow(this.job.aborted, this.#abort);
    try {
      await this.job.untilCommitted(() => this.#finishAll());
    } finally {
      stop();
      abort();
    }
    if (this.#isLost) return 'lost';
    if (this.#failure !== undefined) throw this.#failure.cause;
    return this.#uncommitted === 0 ? 'done' : 'stopped';
  }

  /** Somebody else holds the shard: stop, and let nothing of it be committed. */
  lose(): void {
    this.#isLost = true;
    this.#stop.abort();
    this.#abort.abort();
  }

  committed(claim: PartClaim): void {
    this.#uncommitted -= claim.ok + claim.failed;
  }

  async #finishAll(): Promise<void> {
    try {
      await this.#handOut();
    } finally {
      this.#onHandedOut();
      await this.#idle();
    }
  }

  async #handOut(): Promise<void> {
    const rows = await this.job.inTurn(() => openShardRows(this.job.source, this.lease));
    await this.job.dispatch.handOut({
      rows,
      answer: (row, slot) => void this.#finish(row, (read) => this.#answer(read, slot), slot),
      refuse: (row, why) => void this.#finish(row, async (read) => refuseRow(this.job, read, why)),
      until: this.#stop.signal,
    });
  }

  /** Reads a row and keeps its result, if it comes to one. */
  async #finish(unread: UnreadRow, toResult: (row: ReadableRow) => Promise<ResultRow | undefined>, slot?: Slot): Promise<void> {
    this.#inFlight += 1;
    try {
      const row = await this.#read(unread, slot);
      const result = row && (await toResult(row));
      if (row !== undefined && result !== undefined) this.#keep(row, result);
    } catch (cause) {
      this.job.crash(cause);
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#onIdle?.();
    }
  }

  /** Undefined when the input can't be read: then none of the shard's rows goes out any more, and another lease begins anew. */
  async #read(unread: UnreadRow, slot: Slot | undefined): Promise<ReadableRow | undefined> {
    try {
      return await unread.read();
    } catch (cause) {
      slot?.release();
      this.#failure ??= { cause };
      this.#stop.abort();
      return undefined;
    }
  }

  async #answer(row: ReadableRow, slot: Slot): Promise<ResultRow | undefined> {
    const first = { slot, signal: this.#abort.signal };
    const { twins } = this.job;
    const outcome = await (twins === undefined ? askRow(this.job, row, first) : runTwin(this.job, twins, { row, first }));
    if (outcome.kind === 'fatal') this.job.fail(outcome.message);
    return outcome.kind === 'result' ? outcome.result : undefined;
  }

  #keep({ position, row }: ReadableRow, result: ResultRow): void {
    const { shard, epoch } = this.lease;
    if (!this.#isLost) this.job.finish({ ...result, position, row, shard, epoch });
  }

  async #idle(): Promise<void> {
    while (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
  }
}
