/** Limits that whoever runs the program sets through its environment. */
import type { Limits } from './actions/context.ts';
import { Problem } from './base/problem.ts';

const DATASET_BYTES = 'BOATLOAD_MAX_DATASET_BYTES';

/** Those that are set; a `Problem` INVALID_ARGUMENT with reason `LIMIT_INVALID` for one that makes no sense. */
export function readLimits(env: Readonly<Record<string, string | undefined>>): Partial<Limits> {
  const text = env[DATASET_BYTES] ?? '';
  if (text === '') return {};
  const bytes = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(bytes) && bytes > 0) return { datasetBytes: bytes };
  throw new Problem(
    'INVALID_ARGUMENT',
    `${DATASET_BYTES} should be a whole number of bytes above 0, got "${text}". Correct it, or leave it out.`,
    {
      reason: 'LIMIT_INVALID',
    },
  );
}
