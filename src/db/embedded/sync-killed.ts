/**
 * What a killed database needs first. PostgreSQL would sync every file that it finds, one after the other: most of the time in which a killed server is back.
 * Here all are synced at once, in a thread of its own, while the program is still being loaded.
 */
import { existsSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** There as long as a database is open, and where one was killed. */
const OPEN_MARK = 'postmaster.pid';
/** Beside this file, and compiled when this one is. */
const THREAD = new URL(`./sync-thread${extname(import.meta.url)}`, import.meta.url);

/** Answers whether all that an earlier process has written is on disk; where it was not killed nobody has looked. The folder has to be locked. */
export function syncKilled(dir: string): Promise<boolean> {
  if (!existsSync(join(dir, OPEN_MARK))) return Promise.resolve(false);
  return new Promise((resolve) => {
    const thread = new Worker(THREAD, { workerData: dir });
    // Where that fails, PostgreSQL meets the same file and says more of it.
    thread.once('error', () => resolve(false)).once('exit', (code) => resolve(code === 0));
  });
}
