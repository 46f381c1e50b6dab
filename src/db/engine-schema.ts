/** The tables of engines. */

/** An engine that all processes share. */
export interface EngineTable {
  accountId: string;
  id: string;
  displayName: string;
  url: string;
  /** What it is asked with, as `actions/seal-key.ts` writes it; null: it asks for no key. */
  sealedKey: string | null;
  /** What it was found to be: `vllm`, `llama-server`. */
  kind: string;
  models: readonly StoredModel[];
  /** How many requests it works on at once, where it says so. */
  slots: number | null;
  /** Where it counts what it does, beside its API; null: nowhere. */
  metricsPath: string | null;
  /** Fixes how many requests each process sends it at once for each of its models; null: that is found. */
  maxInFlight: number | null;
  /** Of all processes together; null: no bound. */
  requestsPerMinute: number | null;
  tokensPerMinute: number | null;
  /** It finishes what it has and gets nothing new. */
  draining: boolean;
  createdBy: string;
  createdAt: Date;
  updatedAt: Date;
}

/** A model of an engine. */
export interface StoredModel {
  /** Id of the model in the engine's account. */
  readonly id: string;
  /** The engine's own name for it. */
  readonly servedAs: string;
  /** Tokens of prompt and answer together, where the engine says. */
  readonly contextLength?: number;
  /** The request paths that it answers, where the engine says. */
  readonly paths?: readonly string[];
  /** What else the engine says that it can: `tools`, `vision`. */
  readonly capabilities?: readonly string[];
}

/** How one process finds an engine. */
export interface EngineReportTable {
  accountId: string;
  engineId: string;
  /** Machine and process id: `gpu-7/4711`. */
  process: string;
  at: Date;
  models: readonly ReportedModel[];
}

/** How one process finds one model of an engine. */
export interface ReportedModel {
  /** Id of the model in the engine's account. */
  readonly id: string;
  readonly state: 'ready' | 'paused' | 'broken' | 'draining';
  /** Why it has its limit, or what is wrong. */
  readonly why: string;
  readonly limit: number;
  readonly inFlight: number;
  /** Whether the process has sent it anything in the last minute. */
  readonly inUse: boolean;
  /** Since when it has this state, RFC 3339. */
  readonly since: string;
  /** What went wrong last; null: nothing yet. */
  readonly lastError: { readonly message: string; readonly at: string } | null;
}
