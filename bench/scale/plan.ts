/** What a process of simulated workers is told, and what it answers. */

export interface Phase {
  readonly url: string;
  readonly workers: number;
  /** How long the engine takes for one shard. */
  readonly shardSeconds: number;
  /** Rows of a shard. */
  readonly shardRows: number;
  readonly seconds: number;
}

/** What the workers do to the database. */
export const KINDS = ['take', 'keep', 'commit', 'settle'] as const;
export type Kind = (typeof KINDS)[number];

export interface Measured {
  /** Milliseconds of each call. */
  readonly latencies: Readonly<Record<Kind, readonly number[]>>;
  readonly cpuSeconds: number;
  /** Leases that were lost, commits that were refused and calls that failed: none should be. */
  readonly trouble: Readonly<Record<'lost' | 'refused' | 'failed', number>>;
  readonly firstFailure: string;
}
