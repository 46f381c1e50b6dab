/** One job, or its rows of one model, as long as this worker holds shards of it: its journal, its engines, its signals. */
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Problem } from '../base/problem.ts';
import type { Verdict } from '../engines/classify-failure.ts';
import type { Pool } from '../engines/pool.ts';
import type { Progress } from '../jobs/job.ts';
import type { LeasedJob } from '../jobs/leased-jobs.ts';
import type { PartClaim } from '../jobs/leases.ts';
import type { PartEntry } from '../jobs/part-entries.ts';
import { compileRequest, type RequestMaker } from '../jobs/request.ts';
import type { ServedModel } from '../jobs/served-model.ts';
import { commitSegment } from './commit-segment.ts';
import { Dispatch } from './dispatch.ts';
import { Hedges } from './hedges.ts';
import { Journal, type Segment } from './journal.ts';
import type { RowSource } from './shard-rows.ts';
import { tellCopies, tellHedges } from './tell-savings.ts';
import { Twins } from './twins.ts';
import type { RowContext } from './worker-context.ts';

/** A failed commit is tried again this often: the rows wait safely in the journal. */
const COMMIT_AGAIN_MS = 1_000;

export interface JobRunOptions {
  readonly context: RowContext;
  readonly job: LeasedJob;
  /** Whose job it is. */
  readonly accountId: string;
  /** Full name of the model that the rows run on. */
  readonly model: string;
  readonly served: ServedModel;
  readonly source: RowSource;
  /** Told which claims became true and which were refused. */
  readonly onCommit: (claims: { readonly accepted: readonly PartClaim[]; readonly refused: readonly PartClaim[] }) => void;
  /** Told that no engine will ever answer, or that the disk has failed: the job's shards are given up. */
  readonly onFailure: (cause: unknown) => void;
}

export class JobRun {
  readonly job: LeasedJob;
  readonly accountId: string;
  readonly model: string;
  readonly pool: Pool;
  readonly source: RowSource;
  readonly attempts: number;
  readonly journal: Journal;
  readonly dispatch: Dispatch;
  /** Present where rows with the same request are asked once. */
  readonly twins: Twins | undefined;
  /** Present where stragglers are asked twice. */
  readonly hedges: Hedges | undefined;
  /** It was stopped because no engine of it answers. */
  isStarved = false;
  readonly #options: JobRunOptions;
  readonly #requests = new Map<string, RequestMaker>();
  #turn: Promise<unknown> = Promise.resolve();
  /** Shards with rows that are not finished. */
  #busyShards = 0;
  /** Every engine has refused our key or the model, since when, and nothing else came back. */
  #refused: { readonly verdict: Verdict; readonly sinceMs: number } | undefined;
  /** Dispatch no further rows. */
  readonly #stop = new AbortController();
  /** Drop the rows in flight as well. */
  readonly #abort = new AbortController();
  /** Leave to the next start what can't be committed now. */
  readonly #despair = new AbortController();

  constructor(options: JobRunOptions) {
    const { context, job, accountId, model, served, source } = options;
    this.#options = options;
    this.job = job;
    this.model = model;
    this.accountId = accountId;
    this.pool = served.pool;
    this.source = source;
    this.attempts = context.limits.attempts;
    this.journal = new Journal({
      jobUid: job.uid,
      dir: context.journalDir,
      commit: (segment) => this.#commit(segment),
      onFailure: options.onFailure,
    });
    const twins = job.settings.askIdenticalRowsOnce ? new Twins(() => this.journal.room()) : undefined;
    this.twins = twins;
    this.dispatch = new Dispatch({
      pool: served.pool,
      accountId,
      room: twins === undefined ? () => this.journal.room() : () => twins.room().then(() => this.journal.room()),
      refusal: () => this.refusal,
    });
    const { hedgeAfterMs: afterMs } = context.limits;
    const isNearEnd = (): boolean => !this.stopped.aborted && this.dispatch.isEmpty;
    this.hedges = afterMs === undefined ? undefined : new Hedges({ afterMs, isNearEnd });
    // Every row in flight listens: far more than the ten after which Node suspects a leak.
    for (const { signal } of [this.#stop, this.#abort]) setMaxListeners(0, signal);
  }

  /** Rows finished by this worker that no commit has counted yet. */
  get live(): Progress {
    return this.journal.uncommitted;
  }

  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  get aborted(): AbortSignal {
    return this.#abort.signal;
  }

  /** Opens one shard's rows after those of the shards before it: a job's rows go out in the order of its plan. */
  inTurn<T>(open: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(open);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /**
   * Runs a shard's rows to their ends, and waits until they are committed. They share a segment with the rows of the shards that go on; when none does, nothing
   * is waited for.
   */
  async untilCommitted(rows: () => Promise<void>): Promise<void> {
    this.#busyShards += 1;
    try {
      await rows();
    } finally {
      this.#busyShards -= 1;
      await (this.#busyShards === 0 ? this.journal.flush() : this.journal.committed());
      if (this.#busyShards === 0) await this.#tell();
    }
  }

  /** No further rows; those in flight go on. */
  stop(): void {
    this.#stop.abort();
  }

  /** Nor those in flight; what is finished may still be committed for a while. */
  abort(): void {
    this.#stop.abort();
    this.#abort.abort();
    setTimeout(() => this.#despair.abort(), this.#options.context.limits.drainMs).unref();
  }

  /** Remembers what came back from an engine. */
  learn(verdict: Verdict): void {
    const sinceMs = this.#refused?.sinceMs ?? performance.now();
    this.#refused = verdict.verdict === 'fatal' ? { verdict, sinceMs } : undefined;
  }

  /** True when the job's other rows run on other models. */
  get isOneOfSeveral(): boolean {
    return this.job.model === '';
  }

  /** The last of the refusals after which no engine will ever answer any of these rows. */
  get hopeless(): Verdict | undefined {
    if (this.#refused === undefined) return undefined;
    const refusedMs = performance.now() - this.#refused.sinceMs;
    return refusedMs >= this.#options.context.limits.hopelessMs ? this.#refused.verdict : undefined;
  }

  /** Why no engine is to be asked for any further of these rows, where the job's others may go on. */
  get refusal(): Verdict | undefined {
    return this.isOneOfSeveral ? this.hopeless : undefined;
  }

  fail(message: string): void {
    this.#options.onFailure(new Problem('UNAVAILABLE', message, { reason: 'NO_ENGINE_FOR_JOB' }));
  }

  /** A defect of ours: the job's shards are given up with it. */
  crash(cause: unknown): void {
    this.#options.onFailure(cause);
  }

  /** The request maker for an engine's own name of the model. */
  requestsFor(model: string): RequestMaker {
    const known = this.#requests.get(model);
    if (known !== undefined) return known;
    const { served, job } = this.#options;
    const requests = compileRequest(job.settings, {
      model,
      format: job.rowFormat ?? 'fireworks',
      ...(served.maxTokensLimit === undefined ? {} : { maxTokensLimit: served.maxTokensLimit }),
      ...(served.defaults === undefined ? {} : { defaults: served.defaults }),
    });
    this.#requests.set(model, requests);
    return requests;
  }

  finish(entry: PartEntry): void {
    this.journal.add(entry);
  }

  async #tell(): Promise<void> {
    const of = { context: this.#options.context, jobUid: this.job.uid };
    const rows = this.twins?.takeCopied() ?? 0;
    if (rows > 0) await tellCopies(of, rows);
    const hedged = this.hedges?.take();
    if (hedged !== undefined && hedged.hedges > 0) await tellHedges(of, hedged);
  }

  async #commit(segment: Segment): Promise<void> {
    const { context, onCommit } = this.#options;
    for (;;) {
      try {
        const result = await commitSegment({ objects: context.objects, leases: context.leases }, segment);
        onCommit(result);
        return;
      } catch (cause) {
        context.log.warn({ cause, jobUid: segment.jobUid }, 'commit failed, trying again');
        context.onTrouble?.(segment.jobUid, cause);
        // In the end the journal stays on disk and is adopted at the next start.
        await delay(COMMIT_AGAIN_MS, undefined, { signal: this.#despair.signal });
      }
    }
  }
}
