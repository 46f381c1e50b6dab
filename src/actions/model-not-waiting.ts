import { Problem } from '../base/problem.ts';

/** The refusal of a file that nobody waits for. */
export const modelNotWaiting = (id: string): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `Model "${id}" does not wait for this file: it is READY, or was made anew. Create another model.`,
    {
      reason: 'MODEL_READY',
    },
  );
