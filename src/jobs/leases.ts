import type { Ranges } from './ranges.ts';

/** The right to run one shard until it is settled, given back or taken over. */
export interface ShardLease {
  /** The queue's own handle of this lease. */
  readonly ticket: string;
  readonly jobUid: string;
  readonly shard: number;
  /** The shard's rows are the planned positions `first` … `first + count - 1`. */
  readonly first: number;
  readonly count: number;
  /** Full name of the model that its rows run on. */
  readonly model: string;
  /** The fencing token: a commit with an older one is refused (P3). */
  readonly epoch: number;
  /** Planned positions that are committed already. */
  readonly done: Ranges;
}

/** One shard's share of a part that is in the object store and wants to become true. */
export interface PartClaim {
  readonly jobUid: string;
  readonly shard: number;
  readonly epoch: number;
  readonly objectKey: string;
  /** Planned positions of all its rows, and of those that failed. */
  readonly rows: Ranges;
  readonly failedRows: Ranges;
  readonly ok: number;
  readonly failed: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  readonly bytes: number;
}

/**
 * How a worker reaches shards and commits. The database is one implementation; HTTP through the API process can be another,
 * so nothing here speaks of connections or transactions.
 */
export interface Leases {
  /** Takes up to `max` shards. Each comes with its epoch raised, so every older holder is fenced off. */
  take(max: number): Promise<readonly ShardLease[]>;
  /** Heartbeat. Answers the leases that are no longer ours. */
  keep(leases: readonly ShardLease[]): Promise<readonly ShardLease[]>;
  /**
   * Makes parts true, one statement for all claims: a claim is accepted when its epoch is current and none of its rows is done yet.
   * Answers which were accepted, in order; a refused one means that somebody else holds the shard, or that the rows are committed already.
   */
  commit(claims: readonly PartClaim[]): Promise<readonly boolean[]>;
  /** Ends a lease whose rows are all done; the job's next shard enters the queue, or the job goes on to WRITING_RESULTS. */
  settle(lease: ShardLease): Promise<void>;
  /** Ends a lease early; anybody may take the shard at once, or `afterMs` from now. */
  giveBack(lease: ShardLease, options?: { readonly afterMs?: number }): Promise<void>;
  /** Resolves when there may be work: a notification, or at the latest after `maxMs`. */
  waitForWork(maxMs: number, signal: AbortSignal): Promise<void>;
}
