/** What a person can do about a disk that takes no more. */
import { Problem } from '../base/problem.ts';

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);
const TOO_MANY_OPEN: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE']);
const NOT_WRITABLE: ReadonlySet<string> = new Set(['EROFS', 'EACCES', 'EPERM', 'ENOTDIR', 'EISDIR', 'ENOENT', 'EEXIST']);

/** Turns a system error of a write below `folder` into a `Problem`; anything else is given back as it came. */
export function toWriteProblem(error: unknown, folder: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (FULL.has(code)) {
    const message = `There should be room to write in ${folder}, but the disk or its quota is full (${code}). Free some space; what was finished is kept.`;
    return new Problem('RESOURCE_EXHAUSTED', message, { reason: 'DISK_FULL', details: { folder }, cause: error });
  }
  if (TOO_MANY_OPEN.has(code)) {
    const message = `There should be room for one more open file in ${folder}, but as many are open as may be (${code}). Raise the limit: ulimit -n 4096; what was finished is kept.`;
    return new Problem('RESOURCE_EXHAUSTED', message, { reason: 'TOO_MANY_OPEN_FILES', details: { folder }, cause: error });
  }
  if (NOT_WRITABLE.has(code)) {
    const message = `${folder} should be a folder that we may write to, but it is not (${code}). Correct its permissions or name another.`;
    return new Problem('FAILED_PRECONDITION', message, { reason: 'STORE_NOT_WRITABLE', details: { folder }, cause: error });
  }
  return error;
}
