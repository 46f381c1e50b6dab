/** Limits that whoever runs the program sets through its environment. */
import { DEFAULT_LIMITS, type Limits, type QuotaId } from './actions/context.ts';
import { Problem } from './base/problem.ts';
import type { WorkerLimits } from './worker/worker-context.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const DATASET_BYTES = 'BOATLOAD_MAX_DATASET_BYTES';
const OUTPUT_BYTES = 'BOATLOAD_MAX_OUTPUT_BYTES';
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
const QUOTAS: Readonly<Record<QuotaId, string>> = {
  'batch-jobs-active': 'BOATLOAD_QUOTA_BATCH_JOBS_ACTIVE',
  'dataset-bytes': 'BOATLOAD_QUOTA_DATASET_BYTES',
  'model-bytes': 'BOATLOAD_QUOTA_MODEL_BYTES',
};

/** Those that are set; a `Problem` INVALID_ARGUMENT with reason `LIMIT_INVALID` for one that makes no sense. */
export function readLimits(env: Environment): Partial<Limits> {
  const datasetBytes = readNumber(env, DATASET_BYTES, 'bytes');
  const quotas = Object.entries(QUOTAS).map(([id, name]) => [id, readNumber(env, name, id.includes('bytes') ? 'bytes' : 'jobs')]);
  const set = quotas.filter(([, value]) => value !== undefined);
  const window = readAll(WINDOW, (name) => readNumber(env, name, 'seconds'));
  return {
    ...(datasetBytes !== undefined && { datasetBytes }),
    ...(Object.keys(window).length > 0 && { window: checkedWindow({ ...DEFAULT_LIMITS.window, ...window }) }),
    ...readAll(SWITCHES, (name) => readSwitch(env, name)),
    ...(set.length > 0 && { quotas: { ...DEFAULT_LIMITS.quotas, ...Object.fromEntries(set) } }),
  };
}

/** The limits of a worker, in the same way. */
export function readWorkerLimits(env: Environment): Partial<WorkerLimits> {
  const outputBytes = readNumber(env, OUTPUT_BYTES, 'bytes');
  return outputBytes === undefined ? {} : { outputBytes };
}

/** By field what is set under its name; what isn't is left out. */
const readAll = <Field extends string, Value>(
  names: Readonly<Record<Field, string>>,
  read: (name: string) => Value | undefined,
): Partial<Record<Field, Value>> => {
  const values = Object.entries<string>(names).map(([field, name]) => [field, read(name)] as const);
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

const readSwitch = (env: Environment, name: string): boolean | undefined => {
  const text = env[name] ?? '';
  if (text === '') return undefined;
  if (/^(?:1|true|0|false)$/.test(text)) return text === '1' || text === 'true';
  throw new Problem('INVALID_ARGUMENT', `${name} should be 1 or 0, got "${text}". Correct it, or leave it out.`, {
    reason: 'LIMIT_INVALID',
  });
};

const readNumber = (env: Environment, name: string, unit: string): number | undefined => {
  const text = env[name] ?? '';
  if (text === '') return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value > 0) return value;
  throw new Problem(
    'INVALID_ARGUMENT',
    `${name} should be a whole number of ${unit} above 0, got "${text}". Correct it, or leave it out.`,
    { reason: 'LIMIT_INVALID' },
  );
};
