import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Store } from '../db/store.ts';
import type { LeasedJobs } from '../jobs/leased-jobs.ts';
import type { Leases } from '../jobs/leases.ts';
import type { PlannedModel } from '../jobs/row-models.ts';
import type { ServedModel } from '../jobs/served-model.ts';
import type { ObjectStore } from '../storage/object-store.ts';

export interface WorkerLimits {
  /** A shard ends at whichever comes first. */
  readonly shardRows: number;
  readonly shardBytes: number;
  /** How many shards of one account and model this worker has begun and not handed out to the last row: the next is at hand, and no more. */
  readonly openShards: number;
  /** The same, of all accounts of a model together: who comes later waits until one of them is handed out. */
  readonly openShardsOfModel: number;
  /** A job whose result rows reach this many bytes ends early as EXPIRED. */
  readonly outputBytes: number;
  /** Tries of one row, refusals by a busy engine not counted. */
  readonly attempts: number;
  /** Keys are renewed and gateways restart: only when nothing but their refusals comes back for so long is a job given up. */
  readonly hopelessMs: number;
  /** How long rows in flight may take to finish after a stop is asked for. */
  readonly drainMs: number;
  /** A job's last rows in flight that take far longer than the others, and this at least, are asked a second time; absent: none is. */
  readonly hedgeAfterMs?: number;
}

export const DEFAULT_WORKER_LIMITS: WorkerLimits = {
  shardRows: 1_000,
  shardBytes: 8 * 1024 * 1024,
  openShards: 2,
  openShardsOfModel: 24,
  outputBytes: 8 * 1024 ** 3,
  attempts: 5,
  hopelessMs: 10_000,
  drainMs: 10_000,
};

/** Told of trouble that a person should hear of while the worker tries again; of rows of one model, where it concerns these. */
export type OnTrouble = (jobUid: string, cause: unknown, model?: string) => void;

/** Everything that it takes to run rows. */
export interface RowContext {
  readonly leases: Leases;
  readonly jobs: LeasedJobs;
  readonly objects: ObjectStore;
  /** Undefined when no engine serves the model (any more); rejects when its engine can't be opened. The first call may take as long as a model's start. */
  readonly serve: (model: string) => Promise<ServedModel | undefined>;
  /** A folder on local disk, ours alone, that survives a crash. */
  readonly journalDir: string;
  readonly limits: WorkerLimits;
  readonly clock: Clock;
  readonly log: Log;
  readonly onTrouble?: OnTrouble;
}

/** Everything a worker works with that also plans and merges; made on the roof. */
export interface WorkerContext extends Omit<RowContext, 'leases' | 'jobs'> {
  readonly store: Store;
  /** Finds a model as a row of the account names it, by bare id or full name; undefined when the account may use none of that name. */
  readonly findModel: (name: string, accountId: string) => PlannedModel | undefined;
  /** Looks again at which models there are, where that changes. */
  readonly refreshModels?: () => Promise<void>;
  /** A folder that does not need to survive. */
  readonly scratchDir: string;
  /** Whether lines may be bare `{"messages": …}` without a custom_id. */
  readonly bareRows: boolean;
  /** Further upkeep of the house, done every few seconds; each must be safe to repeat and to interrupt. */
  readonly chores?: readonly (() => Promise<unknown>)[];
}
