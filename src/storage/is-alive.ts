import { isErrno } from './errno.ts';

/** Whether a process is there: signal 0 only asks. One of another user is, too. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return isErrno(error, 'EPERM');
  }
}
