import { normalize, sep } from 'node:path';
import { Problem } from '../base/problem.ts';

/** The server names the files of a download; none of its names may lead out of the folder. */
export function safeName(key: string): string {
  const path = normalize(key);
  if (!path.startsWith('..') && !path.startsWith(sep) && !/^[A-Za-z]:/.test(path)) return path;
  throw new Problem('DATA_LOSS', `The server names a file "${key}", which would lie outside of the folder.`, {
    reason: 'UNFIT_FILE_NAME',
  });
}
