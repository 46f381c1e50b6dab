/** The limits that whoever runs the program has set. */
import { DEFAULT_LIMITS, type Limits, type QuotaId } from '../actions/context.ts';
import { Problem } from '../base/problem.ts';
import type { Loading } from '../engines/embedded/loading.ts';
import type { WorkerLimits } from '../worker/worker-context.ts';
import { readCount, readList, readSwitch, type Settings } from './settings.ts';
import type { SettingName } from './settings-table.ts';

const COUNTS = { datasetBytes: 'BOATLOAD_MAX_DATASET_BYTES', liveBytes: 'BOATLOAD_MAX_LIVE_BYTES' } as const;
/** How long a job may take: what it gets without asking, and what it may ask for. */
const WINDOW = {
  defaultSeconds: 'BOATLOAD_JOB_WINDOW_SECONDS',
  minSeconds: 'BOATLOAD_MIN_JOB_WINDOW_SECONDS',
  maxSeconds: 'BOATLOAD_MAX_JOB_WINDOW_SECONDS',
} as const;
const SWITCHES = {
  anyParameters: 'BOATLOAD_ANY_PARAMETERS',
  acceptIdleModels: 'BOATLOAD_ACCEPT_IDLE_MODELS',
  requireExampleCount: 'BOATLOAD_REQUIRE_EXAMPLE_COUNT',
  privateWebhooks: 'BOATLOAD_WEBHOOKS_ALLOW_PRIVATE',
} as const;

/** The most that an account may have; its admins can set less. */
const QUOTAS: Readonly<Record<QuotaId, SettingName>> = {
  'batch-jobs-active': 'BOATLOAD_QUOTA_BATCH_JOBS_ACTIVE',
  'dataset-bytes': 'BOATLOAD_QUOTA_DATASET_BYTES',
  'model-bytes': 'BOATLOAD_QUOTA_MODEL_BYTES',
};

/** Those that are set; a `Problem` INVALID_ARGUMENT with reason `SETTING_INVALID` or `LIMIT_INVALID` for one that makes no sense. */
export function readLimits(settings: Settings): Partial<Limits> {
  const window = readAll(WINDOW, (name) => readCount(settings, name));
  const publicKeepers = readList(settings, 'BOATLOAD_PUBLIC_KEEPERS');
  const quotas = readAll(QUOTAS, (name) => readCount(settings, name));
  return {
    ...readAll(COUNTS, (name) => readCount(settings, name)),
    ...(Object.keys(window).length > 0 && { window: checkedWindow({ ...DEFAULT_LIMITS.window, ...window }) }),
    ...readAll(SWITCHES, (name) => readSwitch(settings, name)),
    ...(publicKeepers.length > 0 && { publicKeepers }),
    ...(Object.keys(quotas).length > 0 && { quotas: { ...DEFAULT_LIMITS.quotas, ...quotas } }),
  };
}

/** The limits of a worker, in the same way. */
export function readWorkerLimits(settings: Settings): Partial<WorkerLimits> {
  const outputBytes = readCount(settings, 'BOATLOAD_MAX_OUTPUT_BYTES');
  const hedgeSeconds = readCount(settings, 'BOATLOAD_HEDGE_SECONDS');
  const drainSeconds = readCount(settings, 'BOATLOAD_DRAIN_SECONDS');
  return {
    ...(outputBytes !== undefined && { outputBytes }),
    ...(hedgeSeconds !== undefined && { hedgeAfterMs: hedgeSeconds * 1000 }),
    ...(drainSeconds !== undefined && { drainMs: drainSeconds * 1000 }),
  };
}

/** How models are loaded into this machine. */
export function readLoading(settings: Settings): Loading {
  const loadSeconds = readCount(settings, 'BOATLOAD_MODEL_LOAD_SECONDS');
  const idleSeconds = readCount(settings, 'BOATLOAD_UNLOAD_IDLE_SECONDS');
  return {
    loadMs: loadSeconds === undefined ? undefined : loadSeconds * 1000,
    unloadIdleMs: idleSeconds === undefined ? undefined : idleSeconds * 1000,
    memoryBytes: readCount(settings, 'BOATLOAD_MODEL_MEMORY_BYTES'),
    fusedAttention: readSwitch(settings, 'BOATLOAD_FUSED_ATTENTION'),
  };
}

/** By field what is set under its name; what isn't is left out. */
const readAll = <Field extends string, Value>(
  names: Readonly<Record<Field, SettingName>>,
  read: (name: SettingName) => Value | undefined,
): Partial<Record<Field, Value>> => {
  const values = Object.entries<SettingName>(names).map(([field, name]) => [field, read(name)] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined)) as Partial<Record<Field, Value>>; // Forgets the keys.
};

const checkedWindow = (window: Limits['window']): Limits['window'] => {
  if (window.minSeconds <= window.defaultSeconds && window.defaultSeconds <= window.maxSeconds) return window;
  throw new Problem(
    'INVALID_ARGUMENT',
    `${WINDOW.defaultSeconds} should lie between ${WINDOW.minSeconds} and ${WINDOW.maxSeconds}, got ${window.defaultSeconds} between ${window.minSeconds} and ${window.maxSeconds}.`,
    { reason: 'LIMIT_INVALID' },
  );
};
