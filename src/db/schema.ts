/**
 * The tables as Kysely sees them. In SQL the names are snake_case; `CamelCasePlugin` translates both ways.
 * `int8` and timestamps come back as `number` and `Date` from both databases; a multirange is PostgreSQL's text form (`jobs/ranges.ts`).
 */

import type { ColumnType, Generated, Selectable } from 'kysely';
import type { Job } from '../jobs/job.ts';
import type { Outcome } from '../jobs/states.ts';
import type { EngineReportTable, EngineTable } from './engine-schema.ts';
import type { ModelPull } from './model-schema.ts';

export type { ReportedModel, StoredModel } from './engine-schema.ts';
export type { ModelPull, PulledFile } from './model-schema.ts';

export interface Schema {
  readonly account: AccountTable;
  readonly accountUser: UserTable;
  readonly apiKey: ApiKeyTable;
  readonly dataset: DatasetTable;
  readonly datasetFile: DatasetFileTable;
  readonly upload: UploadTable;
  readonly uploadPart: UploadPartTable;
  readonly job: JobTable;
  readonly shard: ShardTable;
  readonly waiting: WaitingTable;
  readonly turn: TurnTable;
  readonly part: PartTable;
  readonly event: EventTable;
  readonly keptUsage: KeptUsageTable;
  readonly model: ModelTable;
  readonly modelFile: ModelFileTable;
  readonly quota: QuotaTable;
  readonly auditEntry: AuditEntryTable;
  readonly webhook: WebhookTable;
  readonly webhookDelivery: WebhookDeliveryTable;
  readonly keptReply: KeptReplyTable;
  readonly engine: EngineTable;
  readonly engineReport: EngineReportTable;
}

interface AccountTable {
  id: string;
  displayName: string;
  createdAt: Date;
}

interface UserTable {
  accountId: string;
  id: string;
  displayName: string;
  /** Empty when unknown; else nobody else's in the account. */
  email: string;
  role: UserRole;
  /** What a user of the role `custom` may do; empty for all others. */
  permissionPreset: string;
  /** A program, not a person. */
  serviceAccount: boolean;
  createdAt: Date;
  updatedAt: Date;
}

interface ApiKeyTable {
  id: string;
  accountId: string;
  /** Whose key it is; it may do what its user may. */
  userId: string;
  /** SHA-256 of the secret; the secret itself is never stored. */
  hash: Uint8Array;
  /** The secret's first characters, for people to tell keys apart. */
  prefix: string;
  displayName: string;
  /** Labels of the owner's own. */
  annotations: Generated<Readonly<Record<string, string>>>;
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
  /** Files that were asked to be uploaded one by one, with their sizes, by name. */
  announced: Generated<Readonly<Record<string, number>>>;
  /** Id of the job in the same account that wrote it. */
  sourceJob: string | null;
  /** What OpenAI's dialect says that it is for; null: what rows are for that were uploaded, or that a job wrote. */
  purpose: Generated<string | null>;
  /** When it is deleted by itself; null: never. */
  expiresAt: Generated<Date | null>;
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
  /** Ours alone: neither listed nor counted. */
  hidden: Generated<boolean>;
}

/** A file that comes in by parts and becomes a dataset. */
interface UploadTable {
  accountId: string;
  id: string;
  filename: string;
  /** So many must have come when it is completed. */
  bytes: number;
  purpose: string;
  /** The life of the file that it becomes; null: for ever. */
  expiresAfterSeconds: number | null;
  state: 'pending' | 'completed' | 'cancelled';
  /** What it became. */
  datasetId: string | null;
  createdBy: string;
  createdAt: Date;
  /** It takes parts and can be completed until then. */
  expiresAt: Date;
}

interface UploadPartTable {
  accountId: string;
  uploadId: string;
  id: string;
  objectKey: string;
  bytes: number;
  createdAt: Date;
}

interface JobTable extends Job {
  /** The key that it was created with, for the bill; null when a person at the machine did. */
  readonly apiKeyId: string | null;
  /** How the job will end once its results are written; set on the way into WRITING_RESULTS. */
  readonly outcome: Outcome | null;
  readonly shardCount: number | null;
}

interface ShardTable {
  jobUid: string;
  index: number;
  /** Its rows are the planned positions `first` … `first + count - 1`. */
  first: number;
  count: number;
  /** Full name of the model that its rows run on; null: the job's. */
  model: string | null;
  epoch: Generated<number>;
  /** Planned positions that are committed: int4multirange as text. */
  done: Generated<string>;
  settled: Generated<boolean>;
}

/** Tasks of one job that nobody was given yet: its plan, or its shards of one model. */
interface WaitingTable {
  jobUid: string;
  /** The model's full name, or `plan`. */
  lane: string;
  accountId: string;
  /** Shards from here … */
  next: number;
  /** … to here. */
  last: number;
  /** When `next` should begin, if the job spread its shards evenly over its window, … */
  due: Date;
  /** … and how much later the one after it. */
  stepMs: number;
}

/** How much an account was given in a lane: the tallies of `jobs/turns.ts`. */
interface TurnTable {
  lane: string;
  accountId: string;
  started: Generated<number>;
  ended: Generated<number>;
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
  /** Its place among the job's parts as readers get them, from 1; null until somebody reads. */
  readingOrder: Generated<number | null>;
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

/** What the parts of deleted jobs came to, in slots of 15 minutes. A trigger writes it. */
interface KeptUsageTable {
  accountId: string;
  model: string;
  apiKeyId: string | null;
  at: Date;
  ok: number;
  inputTokens: number;
  outputTokens: number;
  cachedTokens: number;
}

interface ModelTable {
  accountId: string;
  id: string;
  /** Ours, never reused: the place of its files is named after it. */
  uid: string;
  displayName: string;
  description: string;
  kind: string;
  /** `UPLOADING` takes files; those of a `READY` one never change again. */
  state: 'UPLOADING' | 'READY';
  /** Readable from every account. */
  public: boolean;
  /** What else its owner says of it, in the wire's words. */
  details: Readonly<Record<string, unknown>>;
  /** Precisions that it may be served in beside its own. */
  precisions: Generated<readonly string[]>;
  /** Where its files are fetched from, and how that goes; null where its owner sends them. */
  pull: Generated<ModelPull | null>;
  createdBy: string;
  createdAt: Date;
  updatedAt: Date;
}

/** A file of a model: announced, then arrived. */
interface ModelFileTable {
  accountId: string;
  modelId: string;
  name: string;
  bytes: number;
  /** Null until it has arrived; then it is there with its hash. */
  objectKey: string | null;
  sha256: string | null;
  createdAt: Date;
  /** What our own engine runs it in; null for what it doesn't run. */
  precision: Generated<string | null>;
}

/** Only what was changed; else the limits that the server was started with hold. */
interface QuotaTable {
  accountId: string;
  id: string;
  value: number;
  updatedAt: Date;
}

interface AuditEntryTable {
  id: Generated<number>;
  accountId: string;
  at: Date;
  /** Who did it, as in `createdBy`. */
  principal: string;
  email: string;
  apiKeyId: string;
  /** The operation by its name in the API's description: `deleteDataset`. */
  method: string;
  resource: string;
  /** `OK`, or the code it was refused with. */
  statusCode: string;
  message: string;
  adminAction: boolean;
  userAgent: string;
  clientIp: string;
}

interface WebhookTable {
  accountId: string;
  id: string;
  displayName: string;
  url: string;
  /** Which ends of jobs it hears of: `batch.completed`. */
  events: readonly string[];
  /** What its signing secret is made from, with the server's own secret. */
  salt: string;
  /** The one before, which signs too until then. */
  oldSalt: string | null;
  oldSaltUntil: Date | null;
  enabled: boolean;
  /** Why the server has switched it off; empty when it hasn't. */
  disabledReason: string;
  /** The first failure since the last success. */
  failingSince: Date | null;
  createdBy: string;
  createdAt: Date;
  updatedAt: Date;
}

/** An event on its way to one webhook. A trigger writes it in the transaction that ends the job. */
interface WebhookDeliveryTable {
  id: Generated<number>;
  accountId: string;
  webhookId: string;
  /** The same at every attempt, so that receivers can tell a repetition. */
  eventId: string;
  eventType: string;
  jobId: string;
  state: 'PENDING' | 'DELIVERED' | 'FAILED';
  attempts: Generated<readonly DeliveryAttempt[]>;
  createdAt: Date;
  /** Null while none was made: at once. */
  nextAttemptAt: Date | null;
  /** In a process's hands until then. */
  leasedUntil: Date | null;
}

/** How one attempt went. */
export interface DeliveryAttempt {
  /** When it began, RFC 3339. */
  readonly at: string;
  /** HTTP status; null when no answer came. */
  readonly status: number | null;
  readonly durationMs: number;
  /** Why it failed, in words; empty when it did not. */
  readonly error: string;
  /** The beginning of what the receiver answered. */
  readonly response: string;
}

/** What a request was answered, for whoever sends it again. */
interface KeptReplyTable {
  accountId: string;
  apiKeyId: string;
  /** `key:` and the caller's own word, or `same:` and the fingerprint where the caller sent none. */
  key: string;
  fingerprint: string;
  /** Null while the first is under way. */
  status: number | null;
  body: string | null;
  begunAt: Date;
  expiresAt: Date;
}

/** The roles that a user can have. */
export type UserRole = 'admin' | 'user' | 'contributor' | 'inference-user' | 'custom';

export type Account = Readonly<Selectable<AccountTable>>;
export type User = Readonly<Selectable<UserTable>>;
export type ApiKey = Readonly<Selectable<ApiKeyTable>>;
export type Dataset = Readonly<Selectable<DatasetTable>>;
/** Whether it is hidden, only queries ask. */
export type DatasetFile = Readonly<Omit<Selectable<DatasetFileTable>, 'hidden'>>;
export type Upload = Readonly<Selectable<UploadTable>>;
export type UploadPart = Readonly<Selectable<UploadPartTable>>;
export type JobEvent = Readonly<Selectable<EventTable>>;
export type Model = Readonly<Selectable<ModelTable>>;
export type ModelFile = Readonly<Selectable<ModelFileTable>>;
export type Quota = Readonly<Selectable<QuotaTable>>;
export type AuditEntry = Readonly<Selectable<AuditEntryTable>>;
export type Webhook = Readonly<Selectable<WebhookTable>>;
export type WebhookDelivery = Readonly<Selectable<WebhookDeliveryTable>>;
export type KeptReply = Readonly<Selectable<KeptReplyTable>>;
export type Engine = Readonly<Selectable<EngineTable>>;
export type EngineReport = Readonly<Selectable<EngineReportTable>>;
