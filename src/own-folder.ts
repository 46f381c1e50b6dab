/** The folder of one process of a fleet, for what is its own. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from './base/problem.ts';
import { lockFolder } from './db/embedded/lock-folder.ts';

/** A folder that nobody else has. */
export interface OwnFolder {
  readonly dir: string;
  release(): void;
}

const FOLDERS_TRIED = 1_000;

/** Each process has a folder of its own, and takes over that of one that is gone: finished rows may wait in it. */
export async function takeFolder(dir: string, name: 'serve' | 'worker'): Promise<OwnFolder> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  for (let number = 1; ; number++) {
    const own = join(dir, `${name}-${number}`);
    try {
      const lock = lockFolder(own);
      await mkdir(own, { recursive: true, mode: 0o700 });
      return { dir: own, release: () => lock.release() };
    } catch (cause) {
      if (!(cause instanceof Problem) || cause.reason !== 'DATA_DIR_IN_USE' || number === FOLDERS_TRIED) throw cause;
    }
  }
}
