/** What workers without a database ask of an API process. Between processes of one version, so it may change with each; no part of the public API. */
import { z } from 'zod';

/** The path of every call; its name comes after. */
export const WORKER_CALLS_PATH = '/internal/v1/worker';

/** Says which tables a worker knows: it and the API process must be of one version. */
export const TABLES_HEADER = 'boatload-tables';

/** Longest wait for work that a call may ask for, in milliseconds. */
export const MOST_WAIT_MS = 25_000;

const Count = z.int().nonnegative();
const Ranges = z.array(z.tuple([Count, Count]));
const JobUid = z.uuid();
const Text = z.string().max(10_000);

const Lease = z.object({
  ticket: Text,
  jobUid: JobUid,
  accountId: Text,
  shard: Count,
  first: Count,
  count: Count,
  model: Text,
  epoch: Count,
  done: Ranges,
});

/** Shards that a worker doesn't want. */
const Unwanted = z.object({ model: Text, accountId: Text.optional() });

const Claim = z.object({
  jobUid: JobUid,
  shard: Count,
  epoch: Count,
  objectKey: Text,
  rows: Ranges,
  failedRows: Ranges,
  ok: Count,
  failed: Count,
  inputTokens: Count,
  outputTokens: Count,
  cachedTokens: Count,
  bytes: Count,
});

/** The request of every call, by its name. All may be repeated. */
export const WORKER_CALLS = {
  take: z.object({ max: Count.max(1_000), waitMs: Count.max(MOST_WAIT_MS), without: z.array(Unwanted) }),
  keep: z.object({ leases: z.array(Lease) }),
  commit: z.object({ claims: z.array(Claim) }),
  settle: z.object({ lease: Lease }),
  giveBack: z.object({ lease: Lease, afterMs: Count }),
  open: z.object({ jobUid: JobUid }),
  states: z.object({ jobUids: z.array(JobUid) }),
  giveUp: z.object({ jobUid: JobUid, statusCode: Text, statusMessage: Text }),
  note: z.object({ jobUid: JobUid, at: z.coerce.date(), kind: Text, message: Text, details: z.record(z.string(), z.unknown()) }),
  latestNote: z.object({ jobUid: JobUid, kinds: z.array(Text) }),
} as const;

/** The name of a call. */
export type WorkerCall = keyof typeof WORKER_CALLS;
