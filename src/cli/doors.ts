/** What the command line asks of the roof, and what the roof tells it while it works. Nothing here says how anything is done. */
import type { Money } from '../contract/money.ts';
import type { JobSettings } from '../jobs/job.ts';

/** `boatload run`: one file in, one file out. */
export interface RunRequest {
  /** Path of the input, or `-` for stdin. */
  readonly input: string;
  /** Path of the answers, or `-` for stdout. */
  readonly output: string;
  /** A name, a path of a .gguf file, or `hf:…`. Absent: the only one that the engine serves. */
  readonly model?: string;
  /** Base URL of an OpenAI-compatible engine, or `echo`. Absent: the embedded engine. */
  readonly engine?: string;
  /** For the engine; never shown. */
  readonly apiKey?: string;
  readonly settings: JobSettings;
  /** Requests in flight per engine; absent: found while it runs. */
  readonly concurrency?: number;
  /** Go on with the earlier run of the same command: its answers stay, everything else runs. */
  readonly resume: boolean;
  /** Keep the run's own folder even when every row succeeded. */
  readonly keep: boolean;
  /** Say yes to every question. */
  readonly assumeYes: boolean;
}

/** `boatload run --estimate`. */
export interface EstimateRequest extends Pick<RunRequest, 'input' | 'model' | 'engine' | 'apiKey' | 'settings' | 'concurrency'> {
  /** So many rows are answered, to tell time and answers; absent: no engine is asked. */
  readonly sampleRows?: number;
}

/** What a run would take. */
export interface RunEstimate {
  readonly rows: number;
  readonly bytes: number;
  readonly format: InputFacts['format'];
  /** The text of the rows alone, or rows that were answered. */
  readonly basis: 'INPUT' | 'SAMPLE';
  readonly inputTokens: number;
  /** Null without a sample, or where its answers count no tokens. */
  readonly outputTokens: number | null;
  /** Most that the answers can have; null where rows have no limit. */
  readonly maxOutputTokens: number | null;
  /** Null without a sample. */
  readonly durationMs: number | null;
  /** Of the results; null without a sample. */
  readonly outputBytes: number | null;
  /** Of the results, where every answer is as long as it may be; null where rows have no limit. */
  readonly maxOutputBytes: number | null;
  /** A run whose results reach this ends with what it has. */
  readonly outputLimitBytes: number;
  /** Tokens of prompt and answer together that the model takes; null where it is behind a URL and no sample was taken, or isn't here. */
  readonly contextLength: number | null;
  /** Rows that by their length, with the tokens that they ask for, don't fit it; null where it isn't known. */
  readonly longRows: number | null;
  /** As a batch on a server with the prices that are set; null without them, or while tokens are not known. */
  readonly cost: Money | null;
  readonly sample: { readonly rows: number; readonly failed: number } | null;
}

/** The machine in the opening line. */
export interface RunFacts {
  readonly version: string;
  readonly nodeVersion: string;
  readonly cores: number;
  readonly memoryBytes: number;
}

/** What the check of the input found. */
export interface InputFacts {
  readonly rows: number;
  readonly bytes: number;
  readonly format: 'fireworks' | 'openai' | 'bare';
  readonly estimatedTokens: number;
  /** Present when an earlier run is continued: how many rows it has answered. */
  readonly resumed?: { readonly done: number };
}

/** An engine that answers. */
export interface EngineFacts {
  readonly name: string;
  readonly slots?: number;
  readonly contextLength?: number;
  /** How long it took to be ready. */
  readonly ms: number;
}

/** Something that takes a while before or after the rows run: a download, the check of a large input, the merge. */
export interface Busy {
  /** Short, in words: `checking prompts.jsonl`, `↓ model`. */
  readonly what: string;
  readonly bytes: number;
  readonly totalBytes?: number;
}

/** Where the rows are. Counts and tokens include earlier runs that this one continues. */
export interface RunProgress {
  readonly total: number;
  readonly ok: number;
  readonly failed: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  /** Since the first row of this run was sent. */
  readonly elapsedMs: number;
  /** How many of `ok` and `failed` were there before this run began. */
  readonly doneBefore: number;
}

/** What a run tells while it goes. Everything but the question returns at once; `progress` and `busy` may be called as often as is handy. */
export interface RunView {
  opened(facts: RunFacts): void;
  busy(busy: Busy): void;
  validated(facts: InputFacts): void;
  engineReady(facts: EngineFacts): void;
  progress(progress: RunProgress): void;
  /** A sentence about something that the person should know now: an engine lost, a default chosen. */
  notice(message: string): void;
  /** Asks before something large is downloaded. A `Problem` CONFIRMATION_NEEDED when there is nobody to ask. */
  askDownload(question: string): Promise<boolean>;
}

/** How a run ended. `STOPPED` is the person's Ctrl-C: what was finished is kept, and `--resume` goes on. */
export type RunOutcome = 'COMPLETED' | 'EXPIRED' | 'FAILED' | 'CANCELLED' | 'STOPPED';

/** Failed rows that share a cause. */
export interface FailureCause {
  /** Stable and short: `context_length_exceeded`, `total-timeout`. */
  readonly cause: string;
  readonly rows: number;
  /** The message of one such row. */
  readonly example: string;
}

/** The end of a run. `ok + failed + unfinished = total`, always. */
export interface RunSummary {
  readonly outcome: RunOutcome;
  /** Why it ended so, when it did not complete. */
  readonly message: string | null;
  readonly total: number;
  readonly ok: number;
  readonly failed: number;
  readonly unfinished: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  readonly elapsedMs: number;
  /** Path of the answers, or `-`. */
  readonly output: string;
  /** Path of the failed rows; null when there is no such file. */
  readonly errors: string | null;
  readonly causes: readonly FailureCause[];
}

/** `boatload up`: the server. What is absent has its default in the roof. */
export interface UpRequest {
  readonly port?: number;
  readonly host?: string;
  readonly dataDir?: string;
  readonly models: readonly string[];
  /** Base URLs, or `echo`. */
  readonly engines: readonly string[];
  /** Base URLs of API processes: a worker that has its leases through them, and no database. */
  readonly through?: readonly string[];
  /** For who runs the server: health and metrics, beside the API. */
  readonly healthPort?: number;
  /** Path of the config file. */
  readonly config?: string;
}

/** A server that answers. */
export interface UpFacts {
  /** From the start of the command. */
  readonly ms: number;
  /** Null for a worker, which listens on nothing. */
  readonly url: string | null;
  /** Null in a fleet, which has many. */
  readonly account: string | null;
  /** Null when it is not known any more. */
  readonly apiKey: string | null;
  /** Made just now: the only time when it is shown. */
  readonly apiKeyIsNew: boolean;
  readonly apiKeyFile: string | null;
  /** The addresses to show, in order: `{ name: 'Fireworks', url: 'http://127.0.0.1:8080/v1/accounts/local' }`. */
  readonly addresses: readonly { readonly name: string; readonly url: string }[];
  /** A command to try next. */
  readonly tryNext?: string;
}

/** What a server tells while it starts and stops; every method returns at once. */
export interface UpView {
  opened(facts: { readonly version: string }): void;
  /** The data folder is made for the first time. */
  creating(dataDir: string): void;
  /** A part is up: `('database', 'embedded (first start 2.1 s)')`. */
  started(part: string, how: string): void;
  ready(facts: UpFacts): void;
  notice(message: string): void;
}

/** `boatload migrate`. */
export interface MigrateRequest {
  /** Opened too, where it is named. */
  readonly account?: string;
  /** Path of the config file. */
  readonly config?: string;
}

/** `boatload config`. */
export interface ConfigRequest {
  /** Path of the config file. */
  readonly config?: string;
}

/** One setting, as it is in force. */
export interface SettingFacts {
  /** Of the environment variable. */
  readonly name: string;
  /** In the config file. */
  readonly key: string;
  /** What it is set to; null where it isn't, or where it is a secret. */
  readonly value: string | null;
  /** Who said so: `the environment`, `boatload.yaml:3`, a secret's file, `default`. */
  readonly from: string;
  readonly fallback: string;
  readonly unit: string;
  readonly meaning: string;
  readonly secret: boolean;
}

/** One thing that `boatload doctor` has looked at. */
export interface Finding {
  /** What was looked at: `disk`, `database`. */
  readonly check: string;
  /** `fault`: it will not work so. `warning`: it works, and a person should know. */
  readonly level: 'ok' | 'warning' | 'fault';
  /** For programs, stable: `DISK_FULL`; `OK` where nothing is wrong. */
  readonly code: string;
  /** What was found, in a sentence. */
  readonly message: string;
  /** What to do about it; null where nothing is to be done, or the message says it. */
  readonly remedy: string | null;
  /** Further facts for programs: what was measured. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** `boatload export` and `import`. */
export interface MoveRequest {
  /** The archive's folder. */
  readonly archive: string;
  /** That of a server of one machine. Absent: the fleet that `DATABASE_URL` names, else the server in the data folder. */
  readonly dataDir?: string;
  /** Path of the config file. */
  readonly config?: string;
  /** Export although others are connected to the database. */
  readonly whileRunning?: true;
  /** Import under another secret than the archive's. */
  readonly newSecret?: true;
}

/** What a move tells while it goes; every method returns at once. */
export interface MoveView {
  /** Where from, or where to. */
  opened(place: string): void;
  busy(busy: Busy): void;
  notice(message: string): void;
}

/** What was moved. */
export interface MoveFacts {
  readonly archive: string;
  /** Of all tables. */
  readonly rows: number;
  readonly objects: number;
  /** Of the objects. */
  readonly bytes: number;
  /** Jobs that go on at the new place. */
  readonly unfinishedJobs: number;
}

/** A database that is up to date. */
export interface MigrateFacts {
  /** The newest migration in it. */
  readonly schema: string;
  /** Of the admin of the account that was asked for; shown once. */
  readonly apiKey: string | null;
}

/** The doors that the commands open. */
export interface Doors {
  /** Resolves when the files are written. A first Ctrl-C aborts `stop`: the run drains, saves and resolves as `STOPPED`. */
  run(request: RunRequest, view: RunView, stop: AbortSignal): Promise<RunSummary>;
  /** Reads the input as `run` would, and writes nothing. */
  estimate(request: EstimateRequest, view: RunView, stop: AbortSignal): Promise<RunEstimate>;
  /** Resolves when the server is down again after `stop`. */
  up(request: UpRequest, view: UpView, stop: AbortSignal): Promise<void>;
  /** The same for one process of a fleet: the API. */
  serve(request: UpRequest, view: UpView, stop: AbortSignal): Promise<void>;
  /** And a worker. */
  work(request: UpRequest, view: UpView, stop: AbortSignal): Promise<void>;
  migrate(request: MigrateRequest): Promise<MigrateFacts>;
  /** Resolves when the archive is whole. */
  exportTo(request: MoveRequest, view: MoveView): Promise<MoveFacts>;
  /** Resolves when everything is there. */
  importFrom(request: MoveRequest, view: MoveView): Promise<MoveFacts>;
  /** Looks at everything that `up`, `serve` or `worker` would need with the same flags, and changes nothing. */
  examine(request: UpRequest): Promise<readonly Finding[]>;
  /** The settings in force, in the order of the document. */
  config(request: ConfigRequest): Promise<readonly SettingFacts[]>;
}

/** What `--version` prints. */
export interface Versions {
  readonly boatload: string;
  readonly engine: string;
  readonly schema: string;
}

/** How the command line reaches the roof. Both are called only when they are needed, so that `--help` loads nothing. */
export interface Roof {
  versions(): Promise<Versions>;
  doors(): Promise<Doors>;
}
