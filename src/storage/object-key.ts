/** What keys look like, and what is said of those that name nothing. */
import { Problem } from '../base/problem.ts';

/** Refuses a key that could lead out of a folder or hide in it. Keys are ours: one like that is a defect, or somebody's attempt. */
export function checkKey(key: string): void {
  if (key.split('/').some((part) => part === '' || part.startsWith('.') || /[\0\\]/.test(part))) throw badKey(key);
}

/** There is no object with this key. */
export const objectNotFound = (key: string): Problem =>
  new Problem('NOT_FOUND', `There should be an object "${key}" in the store, but there is none. It may have been deleted.`, {
    reason: 'OBJECT_NOT_FOUND',
    details: { key },
  });

const badKey = (key: string): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `A key is parts with slashes between, none empty and none beginning with a dot, but "${key}" came.`,
    {
      reason: 'INVALID_OBJECT_KEY',
      details: { key },
    },
  );
