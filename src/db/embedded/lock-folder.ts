/**
 * Keeps a data folder to one process: two PostgreSQLs in one folder destroy it, and PGlite does not look.
 *
 * The lock is SQLite's, on a small file beside the folder: it belongs to the operating system, so it ends with the process however that dies,
 * and nobody has to guess whether an old lock is stale.
 */
import { DatabaseSync } from 'node:sqlite';
import { Problem } from '../../base/problem.ts';

export interface FolderLock {
  release(): void;
}

const SQLITE_BUSY = 5;

/** Takes the lock, or says that somebody has it: FAILED_PRECONDITION with reason `DATA_DIR_IN_USE`. */
export function lockFolder(dir: string): FolderLock {
  const file = new DatabaseSync(`${dir}.lock`);
  try {
    file.exec('begin exclusive');
  } catch (cause) {
    file.close();
    throw isBusy(cause) ? inUse(dir, cause) : cause;
  }
  return { release: () => void (file.isOpen && file.close()) };
}

const isBusy = (cause: unknown): boolean => cause instanceof Error && 'errcode' in cause && cause.errcode === SQLITE_BUSY;

const inUse = (dir: string, cause: unknown): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `Another Boatload process uses ${dir}. Stop it, or give this one a folder of its own; several processes can share a PostgreSQL server.`,
    { reason: 'DATA_DIR_IN_USE', details: { dir }, cause },
  );
