/**
 * The tables as Kysely sees them. In SQL the names are snake_case; `CamelCasePlugin` translates both ways.
 * `int8` and timestamps come back as `number` and `Date` from both databases; a multirange is PostgreSQL's text form (`jobs/ranges.ts`).
 */
import type { ColumnType, Generated, Selectable } from 'kysely';
import type { Job } from '../jobs/job.ts';
import type { Outcome } from '../jobs/states.ts';

export interface Schema {
  readonly account: AccountTable;
  readonly apiKey: ApiKeyTable;
  readonly dataset: DatasetTable;
  readonly datasetFile: DatasetFileTable;
  readonly job: JobTable;
  readonly shard: ShardTable;
  readonly part: PartTable;
  readonly event: EventTable;
}

interface AccountTable {
  id: string;
  displayName: string;
  createdAt: Date;
}

interface ApiKeyTable {
  id: string;
  accountId: string;
  /** SHA-256 of the secret; the secret itself is never stored. */
  hash: Uint8Array;
  /** The secret's first characters, for people to tell keys apart. */
  prefix: string;
  displayName: string;
  role: string;
  createdAt: Date;
  expiresAt: Date | null;
  lastUsedAt: Date | null;
}

/** `UPLOADING` takes files; `READY` never changes again. */
type DatasetState = 'UPLOADING' | 'READY';

interface DatasetTable {
  accountId: string;
  id: string;
  displayName: string;
  state: DatasetState;
  format: Generated<string>;
  /** The wire's `oneof` of where it comes from: `{ "userUploaded": {} }`. */
  origin: Generated<Readonly<Record<string, unknown>>>;
  /** What the uploader said. */
  declaredRows: number | null;
  /** What was counted; known once READY. */
  rows: number | null;
  bytes: Generated<number>;
  /** Id of the job in the same account that wrote it. */
  sourceJob: string | null;
  createdBy: string;
  createdAt: Date;
  updatedAt: Date;
}

interface DatasetFileTable {
  accountId: string;
  datasetId: string;
  name: string;
  objectKey: string;
  bytes: number;
  rows: number;
  sha256: string;
  createdAt: Date;
}

interface JobTable extends Job {
  /** How the job will end once its results are written; set on the way into WRITING_RESULTS. */
  readonly outcome: Outcome | null;
  readonly shardCount: number | null;
  /** The first shard that is not in the queue yet. */
  readonly nextShard: Generated<number>;
  /** How many of the job's shards are in the queue at a time. */
  readonly windowSize: number | null;
}

interface ShardTable {
  jobUid: string;
  index: number;
  /** Its rows are the planned positions `first` … `first + count - 1`. */
  first: number;
  count: number;
  epoch: Generated<number>;
  /** Planned positions that are committed: int4multirange as text. */
  done: Generated<string>;
  settled: Generated<boolean>;
}

interface PartTable {
  id: Generated<number>;
  jobUid: string;
  shard: number;
  epoch: number;
  objectKey: string;
  /** Planned positions: int4multirange as text. */
  rows: string;
  failedRows: string;
  ok: number;
  failed: number;
  inputTokens: number;
  outputTokens: number;
  cachedTokens: number;
  bytes: number;
  createdAt: ColumnType<Date, never, never>;
}

interface EventTable {
  id: Generated<number>;
  jobUid: string;
  at: Date;
  /** What happened, for programs: `state-moved`, `engine-lost`. */
  kind: string;
  /** The same for people. */
  message: string;
  details: Generated<Readonly<Record<string, unknown>>>;
}

export type Account = Readonly<Selectable<AccountTable>>;
export type ApiKey = Readonly<Selectable<ApiKeyTable>>;
export type Dataset = Readonly<Selectable<DatasetTable>>;
export type DatasetFile = Readonly<Selectable<DatasetFileTable>>;
export type JobEvent = Readonly<Selectable<EventTable>>;
