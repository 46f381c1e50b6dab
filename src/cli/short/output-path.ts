/** Where answers go on this machine. */
import { existsSync } from 'node:fs';
import { Problem } from '../../base/problem.ts';

/** `-o` and what goes with it. */
export interface OutputFlags {
  /** `-` is stdout. */
  readonly output?: string;
  /** Whether what stands there may be written over. */
  readonly force?: true;
}

/** Where the failures of answers at a path go; nowhere beside stdout. */
export const errorsPathOf = (path: string): string | undefined =>
  path === '-' ? undefined : `${path.replace(/\.jsonl$/, '')}.errors.jsonl`;

/** Refuses, before anything is asked of a server, to write over what stands there: answers that were paid for. */
export const checkIsFree = ({ output, force }: OutputFlags): void => {
  if (output === undefined || output === '-' || force === true) return;
  const taken = [output, errorsPathOf(output)].find((path) => path !== undefined && existsSync(path));
  if (taken === undefined) return;
  throw new Problem(
    'ALREADY_EXISTS',
    `${taken} exists already and is not written over. Choose another -o, remove it, or say --force.`,
    { reason: 'OUTPUT_EXISTS' },
  );
};
