/** What the rooms above hold in their hands: the truth, the queue that wakes workers, and the leases. */
import type { Kysely, Transaction } from 'kysely';
import type { LeasedJobs } from '../jobs/leased-jobs.ts';
import type { Leases, ShardsOf } from '../jobs/leases.ts';
import type { Waiting } from './queries/line-up.ts';
import type { Schema } from './schema.ts';

/** The database, or a transaction in it: whatever a query may be run on. */
export type Db = Kysely<Schema>;
export type Tx = Transaction<Schema>;

export interface Store {
  readonly db: Db;
  readonly queue: Queue;
  readonly leases: Leases;
  /** What runs rows sees of jobs. */
  readonly jobs: LeasedJobs;
  /** True when the database runs inside this process, on a folder that nobody else can open. */
  readonly embedded: boolean;
  close(): Promise<void>;
}

export const TASK_KINDS = ['plan', 'shard', 'merge'] as const;
export type TaskKind = (typeof TASK_KINDS)[number];

/** What a task is about; `shard` only where the kind is `shard`. */
export interface NewTask {
  readonly jobUid: string;
  readonly shard?: number;
}

/** A task in somebody's hands. */
export interface Task extends NewTask {
  readonly kind: TaskKind;
  /** Names this task and this attempt at it: with an older ticket nothing can be settled or given back. */
  readonly ticket: string;
}

/** What a taker does not want. */
export interface TakeOptions {
  readonly without?: readonly ShardsOf[];
}

/** Wakes workers and hands out tasks, each to one taker at a time. It dispatches; the tables decide. */
export interface Queue {
  /** Puts tasks in; with a transaction they appear when it commits. */
  add(kind: TaskKind, tasks: readonly NewTask[], options?: { readonly tx?: Tx }): Promise<void>;
  /** Puts tasks into the line, where accounts take turns; they appear when the transaction commits. */
  lineUp(tx: Tx, waiting: readonly Waiting[]): Promise<void>;
  /**
   * Takes up to `max` tasks: those that came back first, then those of the line whose turn it is. They come back to the queue by themselves when they are
   * not kept for 10 s.
   */
  take(kind: TaskKind, max: number, options?: TakeOptions): Promise<readonly Task[]>;
  /** Heartbeat, to be sent every few seconds. Answers the tasks that are no longer ours. */
  keep(tasks: readonly Task[]): Promise<readonly Task[]>;
  /** Ends a task for good. False when it was no longer ours. */
  settle(task: Task, options?: { readonly tx?: Tx }): Promise<boolean>;
  /** Ends tasks for good, those that are still ours. */
  settleAll(tasks: readonly Task[], options: { readonly tx: Tx }): Promise<void>;
  /** Whether anybody has a task of this job in hand; one who died counts until that is noticed. */
  isHeld(kind: TaskKind, jobUid: string): Promise<boolean>;
  /** Puts a task back for anybody, now or `afterMs` from now. Does nothing when it was no longer ours. */
  giveBack(task: Task, options?: { readonly afterMs?: number }): Promise<void>;
  /** Resolves when one of these kinds may have work: at once when some came in since the last `take`, at the latest after `maxMs` or on abort. */
  waitForWork(kinds: readonly TaskKind[], maxMs: number, signal: AbortSignal): Promise<void>;
}
