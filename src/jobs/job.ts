/** What the rooms below the API know of a job. The wire's shape is `contract/job.ts`. */
import type { PlannedTokens } from './forecast.ts';
import type { RowFormat } from './row-format.ts';
import type { JobState } from './states.ts';

/** Defaults that a job gives to its rows; a row's own field wins (`contract.md` 3.4). Absent means: not set by the job. */
export interface JobSettings {
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly n?: number;
  /** Further request fields; a typed field above beats the same field here. */
  readonly extraBody?: Readonly<Record<string, unknown>>;
  /** Put in front of rows that don't begin with a system message of their own. */
  readonly systemPrompt?: string;
  /** Of rows with the same request one is asked, and the others take its answer; default: each is asked. */
  readonly askIdenticalRowsOnce?: boolean;
}

/** What a model gives to rows where neither they nor their job say: all that a job can set but words of its own, and how it runs. */
export type ModelDefaults = Omit<JobSettings, 'systemPrompt' | 'askIdenticalRowsOnce'>;

/** What a line that can't run does: it fails the whole job, or only itself. */
export type OnInvalidRow = 'fail' | 'skip';

export interface Job {
  /** Ours, never reused; names can be, after a delete. */
  readonly uid: string;
  readonly accountId: string;
  readonly id: string;
  readonly displayName: string;
  readonly createdBy: string;
  readonly state: JobState;
  /** `OK`, or the canonical code of what ended it. */
  readonly statusCode: string;
  readonly statusMessage: string;
  /** Full resource name; empty until the input is checked where the job names none, and for good where its rows name several. */
  readonly model: string;
  readonly precision: string;
  readonly inputDatasetId: string;
  readonly outputDatasetId: string;
  readonly settings: JobSettings;
  readonly onInvalidRow: OnInvalidRow;
  /** Id of the job in the same account whose unanswered rows this one runs. */
  readonly continuedFrom: string | null;
  readonly maxDurationSeconds: number | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly expiresAt: Date;
  readonly validatedAt: Date | null;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  /** Rows that this job runs; known once validated. Less than `inputRows` in a job that continues another. */
  readonly totalRows: number | null;
  /** Rows of the input; known once validated. */
  readonly inputRows: number | null;
  /** How the input's lines are written; known once validated. */
  readonly rowFormat: RowFormat | null;
  /** What its rows will take, by model; known once validated. */
  readonly planned: readonly PlannedTokens[] | null;
  readonly planKey: string | null;
  /** Where the list of bad lines is, when there are any. */
  readonly reportKey: string | null;
  /** The path that every row's `url` must be; null: rows say themselves. */
  readonly endpoint: string | null;
  /** Labels of the owner's own; null: none were given. */
  readonly metadata: Readonly<Record<string, string>> | null;
  /** How long the output dataset lives once it is written; null: until it is deleted. */
  readonly outputExpiresAfterSeconds: number | null;
  /** When it first came into each state that it has been in, as ISO times. The database writes it. */
  readonly movedAt: Readonly<Partial<Record<JobState, string>>>;
}

/** Sums over a job's committed parts. */
export interface Progress {
  readonly ok: number;
  readonly failed: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  /** Bytes of result rows, successes and failures together. */
  readonly bytes: number;
}
