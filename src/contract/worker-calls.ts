/** What workers without a database ask of an API process. Between processes of one version, so it may change with each; no part of the public API. */
import { z } from 'zod';

/** The path of every call; its name comes after. */
export const WORKER_CALLS_PATH = '/internal/v1/worker';

/** Says which tables a worker knows: it and the API process must be of one version. */
export const TABLES_HEADER = 'boatload-tables';

/** Longest wait for work that a call may ask for, in milliseconds. */
export const MOST_WAIT_MS = 25_000;

const Count = z.int().nonnegative();
/** As the database counts rows, shards and epochs. What it would refuse would take the calls along that come at the same time. */
const Place = Count.max(2 ** 31 - 1);
const Ranges = z.array(z.tuple([Place, Place]).refine(([first, end]) => first <= end, 'expected the first row before the last'));
const JobUid = z.uuid();
const Text = z
  .string()
  .max(10_000)
  .refine((text) => !text.includes('\0'), 'expected no NUL');
/** Longest words of an engine that a call takes, in characters. */
export const MOST_WORDS = 10_000;
/** What engines said may have anything in it, and is made storable later. */
const Words = z.string().max(MOST_WORDS);

const Lease = z.object({
  ticket: z.string().regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\/\d{1,9}$/),
  jobUid: JobUid,
  accountId: Text,
  shard: Place,
  first: Place,
  count: Place,
  model: Text,
  epoch: Place,
  done: Ranges,
});

/** Shards that a worker doesn't want. */
const Unwanted = z.object({ model: Text, accountId: Text.optional() });

const Claim = z.object({
  jobUid: JobUid,
  shard: Place,
  epoch: Place,
  objectKey: Text,
  rows: Ranges,
  failedRows: Ranges,
  ok: Place,
  failed: Place,
  inputTokens: Count,
  outputTokens: Count,
  cachedTokens: Count,
  bytes: Count,
});

/** How a process finds an engine that all share. */
const Report = z.object({
  accountId: Text,
  engineId: Text,
  process: Text,
  models: z.array(
    z.object({
      id: Text,
      state: z.enum(['ready', 'paused', 'broken', 'draining']),
      why: Words,
      limit: z.number().nonnegative(),
      inFlight: Count,
      inUse: z.boolean(),
      since: Text,
      lastError: z.object({ message: Words, at: Text }).nullable(),
    }),
  ),
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
  giveUp: z.object({ jobUid: JobUid, statusCode: Text, statusMessage: Words }),
  note: z.object({ jobUid: JobUid, at: z.coerce.date(), kind: Text, message: Words, details: z.record(z.string(), z.unknown()) }),
  latestNote: z.object({ jobUid: JobUid, kinds: z.array(Text) }),
  engines: z.object({}),
  reportEngines: z.object({ reports: z.array(Report) }),
  engineReports: z.object({ accountId: Text }),
  leaveEngines: z.object({ process: Text }),
  modelFiles: z.object({}),
} as const;

/** The name of a call. */
export type WorkerCall = keyof typeof WORKER_CALLS;
