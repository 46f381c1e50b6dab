import type { Clock } from '../base/clock.ts';
import type { AccountUsage } from '../db/queries/measure-usage.ts';
import type { UserRole } from '../db/schema.ts';
import type { Store } from '../db/store.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { ModelRegistry } from './model-registry.ts';
import type { TryModel } from './try-model.ts';

/** What an account may have so much of. */
export type QuotaId = keyof AccountUsage;

/** Limits of what callers may ask for; every one can be configured. */
export interface Limits {
  /** Largest dataset, in bytes. */
  readonly datasetBytes: number;
  /** Largest live request, in bytes: pictures travel inside. An account may have four such under way. */
  readonly liveBytes: number;
  /** How long a job may take: what a request may ask for, and what it gets when it doesn't ask. */
  readonly window: { readonly minSeconds: number; readonly maxSeconds: number; readonly defaultSeconds: number };
  /** How long a download link is good for. */
  readonly linkSeconds: number;
  /** How long an upload may begin after its link was made. */
  readonly uploadLinkSeconds: number;
  /** Whether a job's `extraBody` may set what chat completions don't document, for engines with parameters of their own. */
  readonly anyParameters: boolean;
  /** Whether a job may be created on a model that no engine serves at the moment, as on the original system: it waits, within its window. */
  readonly acceptIdleModels: boolean;
  /** Whether a dataset must declare its rows, as on the original system; here they are counted in any case. */
  readonly requireExampleCount: boolean;
  /** Whether webhooks may lead to private addresses, this machine included. */
  readonly privateWebhooks: boolean;
  /** Accounts whose admins keep the models of the public account, beside its own. */
  readonly publicKeepers: readonly string[];
  /** The most that an account may have; its admins can set less. */
  readonly quotas: Readonly<Record<QuotaId, number>>;
}

const HOUR = 3600;
const TIB = 1024 ** 4;

/** The limits of the documented system. */
export const DEFAULT_LIMITS: Limits = {
  datasetBytes: 524_288_000,
  liveBytes: 32 * 2 ** 20,
  window: { minSeconds: 12 * HOUR, maxSeconds: 72 * HOUR, defaultSeconds: 24 * HOUR },
  linkSeconds: 600,
  uploadLinkSeconds: 3600,
  anyParameters: false,
  acceptIdleModels: false,
  requireExampleCount: false,
  privateWebhooks: false,
  publicKeepers: [],
  quotas: { 'batch-jobs-active': 1_000, 'dataset-bytes': 10 * TIB, 'model-bytes': 10 * TIB },
};

/** Everything an action works with; made on the roof. */
export interface Context {
  readonly store: Store;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly models: ModelRegistry;
  readonly limits: Limits;
  /** Absent where no model can be loaded: then it is believed what its files say. */
  readonly tryModel?: TryModel;
}

/** Who calls, and for which account. */
export interface Caller {
  readonly accountId: string;
  /** What `createdBy` says. */
  readonly name: string;
  /** The key that the caller came with; absent for who sits at the machine. */
  readonly keyId?: string;
}

/** A caller who came with an API key. */
export interface KeyCaller extends Caller {
  readonly userId: string;
  readonly keyId: string;
  readonly email: string;
  readonly role: UserRole;
  readonly permissionPreset: string;
}
