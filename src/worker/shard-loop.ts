/**
 * Takes shards and runs them beside each other.
 *
 * Of each account and model it takes no more than it can begin soon, so that whoever comes later finds room; the rows of one job and model are handed out by
 * one `Dispatch`, in plan order.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { crashPoint } from '../base/crash-point.ts';
import type { Progress } from '../jobs/job.ts';
import type { PartClaim, ShardLease, ShardsOf } from '../jobs/leases.ts';
import { startHeartbeat } from './heartbeat.ts';
import type { JobRun } from './job-run.ts';
import { type JobRuns, makeJobRuns } from './job-runs.ts';
import { ShardRun } from './shard-run.ts';
import type { RowContext } from './worker-context.ts';

/** For the first shard; what comes in ends the wait. */
const WAIT_MS = 20_000;
const AGAIN_MS = 1_000;
/** A job without an engine gives its shards back for so long, or a few such jobs would keep all others out. */
const NO_ENGINE_MS = 5_000;
/** Shards of a model without an engine are not asked for, beyond those that come back meanwhile. */
const AWAY_MS = 2 * NO_ENGINE_MS;
/** Time in which whoever dropped a job has ended it: until then its shards could be taken again. */
const DROPPED_MS = 5_000;

export class ShardLoop {
  readonly #context: RowContext;
  readonly #jobs: JobRuns;
  /** Every lease we hold, also of shards that wait for their engine to open, and the end of its run. */
  readonly #held = new Map<ShardLease, Promise<void>>();
  /** Those of them that have rows which no engine was given yet. */
  readonly #open = new Set<ShardLease>();
  readonly #shards = new Set<ShardRun>();
  /** Jobs that are being ended: none of their shards begins. */
  readonly #dropping = new Set<string>();
  readonly #stop = new AbortController();
  /** Models that have no engine here, and until when that is believed. */
  readonly #away = new Map<string, number>();
  /** Ends the wait for shards when others are wanted. */
  #look = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #stopHeartbeat = (): void => {};

  constructor(context: RowContext) {
    this.#context = context;
    this.#jobs = makeJobRuns(context, {
      onCommit: (claims) => this.#onCommit(claims),
      onNoEngine: (model) => this.#away.set(model, performance.now() + AWAY_MS),
      drop: (jobUid) => this.drop(jobUid),
    });
  }

  start(): void {
    this.#loop = this.#takeShards();
    this.#stopHeartbeat = startHeartbeat(() => this.#keep(), this.#context.log);
  }

  /** What this worker has finished and not committed yet. */
  live(jobUid: string): Progress | undefined {
    return this.#jobs.live(jobUid);
  }

  /** The jobs of the shards that it holds. */
  held(): readonly string[] {
    return [...new Set([...this.#held.keys()].map(({ jobUid }) => jobUid))];
  }

  find(jobUid: string): readonly JobRun[] {
    return this.#jobs.find(jobUid);
  }

  /** Hands out no further rows of a run; those in flight may finish for `drainMs`. Its leases go back when they have. */
  pause(run: JobRun): void {
    if (run.stopped.aborted) return;
    run.stop();
    setTimeout(() => run.abort(), this.#context.limits.drainMs).unref();
  }

  /** Gives a run's shards back for a while, as all its engines are silent; rows in flight may finish. */
  starve(run: JobRun): void {
    if (run.stopped.aborted) return;
    run.isStarved = true;
    this.#away.set(run.model, performance.now() + AWAY_MS);
    this.pause(run);
  }

  /** Ends this worker's part in a job: rows in flight are dropped, finished ones committed, leases given back. */
  async drop(jobUid: string): Promise<void> {
    this.#dropping.add(jobUid);
    setTimeout(() => this.#dropping.delete(jobUid), DROPPED_MS).unref();
    this.#jobs.abort(jobUid);
    // Those that still wait for their engine to open find out by themselves.
    const running = [...this.#shards].filter(({ lease }) => lease.jobUid === jobUid);
    await Promise.all(running.map(({ lease }) => this.#held.get(lease)));
  }

  /** Takes no more rows, lets those in flight finish for `drainMs`, commits what is finished and gives the leases back. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#look.abort();
    this.#jobs.stopAll();
    const impatience = setTimeout(() => this.#jobs.abortAll(), this.#context.limits.drainMs);
    await this.#loop;
    await Promise.all(this.#held.values());
    clearTimeout(impatience);
    this.#stopHeartbeat();
  }

  async #takeShards(): Promise<void> {
    const { leases, limits } = this.#context;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#look = new AbortController();
      try {
        const unwanted = this.#unwanted();
        const patience = { maxMs: this.#untilWanted(), signal: this.#look.signal };
        for (const lease of await leases.take(limits.openShards, patience, unwanted)) this.#hold(lease);
      } catch (cause) {
        if (signal.aborted) return;
        this.#context.log.warn({ cause }, 'cannot take shards, trying again');
        await this.#pause();
      }
    }
  }

  /** What there is enough of here, or no engine for. */
  #unwanted(): readonly ShardsOf[] {
    const { openShards, openShardsOfModel } = this.#context.limits;
    const unwanted: ShardsOf[] = [];
    for (const [model, untilMs] of this.#away) {
      if (untilMs > performance.now()) unwanted.push({ model });
      else this.#away.delete(model);
    }
    for (const [model, open] of Map.groupBy(this.#open, (lease) => lease.model)) {
      if (open.length >= openShardsOfModel) unwanted.push({ model });
      for (const [accountId, own] of Map.groupBy(open, (lease) => lease.accountId))
        if (own.length >= openShards) unwanted.push({ model, accountId });
    }
    return unwanted;
  }

  /** How long to look for the same shards: a model whose engine was away may be back. */
  #untilWanted(): number {
    const awayMs = [...this.#away.values()].map((untilMs) => Math.max(0, untilMs - performance.now()));
    return Math.min(WAIT_MS, ...awayMs);
  }

  /** All its rows are at engines: what there was enough of is wanted again. */
  #handedOut(lease: ShardLease): void {
    const unwanted = this.#unwanted().length;
    if (this.#open.delete(lease) && this.#unwanted().length < unwanted) this.#look.abort();
  }

  #hold(lease: ShardLease): void {
    crashPoint('lease.after-take');
    this.#open.add(lease);
    const end = this.#runLease(lease)
      .catch((cause: unknown) => this.#jobs.trouble(lease, cause))
      .finally(() => {
        this.#held.delete(lease);
        this.#handedOut(lease);
        if (![...this.#held.keys()].some(({ jobUid, model }) => jobUid === lease.jobUid && model === lease.model))
          this.#jobs.forget(lease);
      });
    this.#held.set(lease, end);
  }

  async #runLease(lease: ShardLease): Promise<void> {
    const { leases } = this.#context;
    const job = this.#dropping.has(lease.jobUid) ? undefined : await this.#jobs.open(lease);
    if (job === undefined || this.#dropping.has(lease.jobUid)) return leases.giveBack(lease, { afterMs: NO_ENGINE_MS });
    if (this.#stop.signal.aborted) job.stop();
    const shard = new ShardRun(job, lease, () => this.#handedOut(lease));
    this.#shards.add(shard);
    try {
      const end = await shard.run();
      if (end === 'done') await settle(leases, lease);
      // One that is resumed at once must not be taken again before its rows in flight are done.
      if (end === 'stopped' && !this.#stop.signal.aborted && !job.aborted.aborted) await this.#pause();
      // Does nothing to one that somebody else holds; one that was lost to nobody is free at once.
      if (end !== 'done')
        await leases.giveBack(lease, job.isStarved && !this.#stop.signal.aborted ? { afterMs: NO_ENGINE_MS } : {});
    } catch (cause) {
      this.#jobs.trouble(lease, cause);
      await this.#pause();
      await leases.giveBack(lease);
    } finally {
      this.#shards.delete(shard);
    }
  }

  #onCommit({ accepted, refused }: { readonly accepted: readonly PartClaim[]; readonly refused: readonly PartClaim[] }): void {
    for (const claim of accepted) this.#shardOf(claim)?.committed(claim);
    for (const { jobUid, shard, epoch, ok, failed } of refused)
      this.#context.log.warn({ jobUid, shard, epoch, rows: ok + failed }, 'commit refused: somebody else has taken the shard');
    for (const claim of refused) this.#shardOf(claim)?.lose();
  }

  #shardOf({ jobUid, shard, epoch }: PartClaim): ShardRun | undefined {
    return [...this.#shards].find(({ lease }) => lease.jobUid === jobUid && lease.shard === shard && lease.epoch === epoch);
  }

  async #keep(): Promise<void> {
    const lost = new Set(await this.#context.leases.keep([...this.#held.keys()]));
    for (const shard of this.#shards) if (lost.has(shard.lease)) shard.lose();
  }

  async #pause(): Promise<void> {
    await delay(AGAIN_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }
}

async function settle(leases: RowContext['leases'], lease: ShardLease): Promise<void> {
  crashPoint('settle.before');
  await leases.settle(lease);
  crashPoint('settle.after');
}
