import type { Ranges } from './ranges.ts';

/** The right to run one shard until it is settled, given back or taken over. */
export interface ShardLease {
  /** The queue's own handle of this lease. */
  readonly ticket: string;
  readonly jobUid: string;
  /** Whose job it is. */
  readonly accountId: string;
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

/** Shards of a model: of one account's jobs, or of all. */
export interface ShardsOf {
  /** Full name. */
  readonly model: string;
  readonly accountId?: string;
}

/** How long somebody waits for work. */
export interface Patience {
  readonly maxMs: number;
  /** Ends the wait early. */
  readonly signal: AbortSignal;
}

/**
 * How a worker reaches shards and commits. The database is one implementation, HTTP through an API process the other, so nothing here speaks of
 * connections or transactions, and everything may be repeated by who has not heard the answer.
 */
export interface Leases {
  /**
   * Takes up to `max` shards; where there are none it waits for the first as long as it may, and answers none then. Each comes with its epoch raised,
   * so every older holder is fenced off. Accounts take turns; `without` names what the taker has enough of, or can't run just now.
   */
  take(max: number, patience?: Patience, without?: readonly ShardsOf[]): Promise<readonly ShardLease[]>;
  /** Heartbeat. Answers the leases that are no longer ours. */
  keep(leases: readonly ShardLease[]): Promise<readonly ShardLease[]>;
  /**
   * Makes parts true, one statement for all claims: a claim is accepted when its epoch is current and none of its rows is done yet. The same claim on
   * the same object again is accepted again and counts once: it is true already. Answers which were accepted, in order; a refused one means that somebody
   * else holds the shard, or that its rows were committed in another part.
   */
  commit(claims: readonly PartClaim[]): Promise<readonly boolean[]>;
  /** Ends a lease whose rows are all done; after the last one the job goes on to WRITING_RESULTS. */
  settle(lease: ShardLease): Promise<void>;
  /** Ends a lease early; anybody may take the shard at once, or `afterMs` from now. */
  giveBack(lease: ShardLease, options?: { readonly afterMs?: number }): Promise<void>;
}
