/** Hands the rows of a run's shards to its engines: one place after the other is asked for, and who has one free says which row is next. */
import type { Verdict } from '../engines/classify-failure.ts';
import { offAbort, onAbort } from '../engines/on-abort.ts';
import type { Pool, PoolEngine, Slot } from '../engines/pool.ts';
import { Stretches } from '../jobs/stretches.ts';
import type { UnreadRow } from './shard-rows.ts';

export interface DispatchOptions {
  readonly pool: Pool;
  /** Whose rows they are. */
  readonly accountId: string;
  /** Waits while too much is under way. */
  readonly room: () => Promise<void>;
  /** Why no engine is to be asked for any further row; usually nothing. */
  readonly refusal: () => Verdict | undefined;
}

/** Rows that are handed out together. */
export interface Batch {
  readonly rows: readonly UnreadRow[];
  /** Gets each row with its place at an engine. */
  readonly answer: (row: UnreadRow, slot: Slot) => void;
  /** Gets each row that no engine is asked for. */
  readonly refuse: (row: UnreadRow, why: Verdict) => void;
  /** None of those that are left. */
  readonly until: AbortSignal;
}

interface Waiting {
  readonly row: UnreadRow;
  readonly of: OpenBatch;
}

interface OpenBatch extends Batch {
  readonly waiting: readonly Waiting[];
  readonly end: PromiseWithResolvers<void>;
  left: number;
}

export class Dispatch {
  readonly #options: DispatchOptions;
  readonly #stretches = new Stretches<PoolEngine | undefined, Waiting>();
  readonly #open = new Set<OpenBatch>();
  #isUnderWay = false;
  /** Ends the wait for a place when no row is left for it. */
  #forNobody = new AbortController();

  constructor(options: DispatchOptions) {
    this.#options = options;
  }

  /** True when no row is left that no engine was given. */
  get isEmpty(): boolean {
    return this.#stretches.isEmpty;
  }

  /** Resolves when no row is left, or none is to be handed out any more. Batches go out in the order in which they come. */
  async handOut(batch: Batch): Promise<void> {
    if (batch.until.aborted || batch.rows.length === 0) return;
    const waiting: Waiting[] = [];
    const open: OpenBatch = { ...batch, waiting, left: batch.rows.length, end: Promise.withResolvers() };
    for (const row of batch.rows) waiting.push({ row, of: open });
    const drop = (): void => this.#end(open);
    onAbort(batch.until, drop);
    this.#open.add(open);
    this.#stretches.add(waiting);
    if (!this.#isUnderWay) void this.#handAllOut();
    await open.end.promise.finally(() => offAbort(batch.until, drop));
  }

  async #handAllOut(): Promise<void> {
    this.#isUnderWay = true;
    while (!this.#stretches.isEmpty) {
      this.#forNobody = new AbortController();
      // Stays: a signal that is listened to anew for every row costs more than the place.
      onAbort(this.#forNobody.signal, () => undefined);
      await this.#handOutSome(this.#forNobody.signal).catch((cause: unknown) => this.#endAll(cause));
    }
    this.#isUnderWay = false;
  }

  async #handOutSome(forNobody: AbortSignal): Promise<void> {
    const { pool, accountId, room, refusal } = this.#options;
    while (!forNobody.aborted && !this.#stretches.isEmpty) {
      await room();
      const why = refusal();
      if (why !== undefined) {
        this.#take(undefined, ({ row, of }) => of.refuse(row, why));
        continue;
      }
      const slot = await pool.acquire(accountId, forNobody);
      if (!this.#take(slot.of, ({ row, of }) => of.answer(row, slot))) slot.release();
    }
  }

  /** False when no row is left. */
  #take(engine: PoolEngine | undefined, give: (waiting: Waiting) => void): boolean {
    const waiting = this.#stretches.take(engine);
    if (waiting === undefined) return false;
    give(waiting);
    waiting.of.left -= 1;
    if (waiting.of.left === 0) this.#end(waiting.of);
    return true;
  }

  /** While nobody wants a place any more, an engine may be away for hours. */
  #end(batch: OpenBatch, cause?: unknown): void {
    if (!this.#open.delete(batch)) return;
    this.#stretches.drop(batch.waiting);
    if (cause === undefined) batch.end.resolve();
    else batch.end.reject(cause);
    if (this.#stretches.isEmpty) this.#forNobody.abort();
  }

  #endAll(cause: unknown): void {
    if (!this.#forNobody.signal.aborted) for (const batch of this.#open) this.#end(batch, cause);
  }
}
