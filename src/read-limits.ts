/** Limits that whoever runs the program sets through its environment. */
import { DEFAULT_LIMITS, type Limits, type QuotaId } from './actions/context.ts';
import { Problem } from './base/problem.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const DATASET_BYTES = 'BOATLOAD_MAX_DATASET_BYTES';

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
  return {
    ...(datasetBytes !== undefined && { datasetBytes }),
    ...(set.length > 0 && { quotas: { ...DEFAULT_LIMITS.quotas, ...Object.fromEntries(set) } }),
  };
}

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
