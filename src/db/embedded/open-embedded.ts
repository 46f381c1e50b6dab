import { mkdirSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fromPglite } from 'pg-boss';
import { Problem } from '../../base/problem.ts';
import { makeLeasedJobs } from '../leased-jobs.ts';
import { makeLeases } from '../leases.ts';
import { migrate } from '../migrations/migrate.ts';
import { releaseDeliveries } from '../queries/release-delivery.ts';
import { openQueue } from '../queue.ts';
import type { Db, Store } from '../store.ts';
import { compileLite } from './compile-lite.ts';
import { copyTemplate, type TemplateOptions } from './data-template.ts';
import { lockFolder } from './lock-folder.ts';
import { openLite } from './open-lite.ts';
import { syncKilled } from './sync-killed.ts';
import { startUpkeep } from './upkeep.ts';

export interface EmbeddedOptions extends TemplateOptions {
  readonly dir: string;
  readonly onError: (cause: unknown) => void;
  /** Instead of bringing the tables up to date. */
  readonly prepare?: (db: Db) => Promise<void>;
}

/** The PostgreSQL that PGlite is; its folders are not readable for another. */
const MAJOR = '18';

/** Opens the database in a folder that then belongs to this process alone, and makes it when there is none. */
export async function openEmbedded({ dir, onError, prepare = migrate, ...template }: EmbeddedOptions): Promise<Store> {
  // At once, and what follows in other threads: who calls may have a whole program to load while the database opens.
  mkdirSync(dirname(dir), { recursive: true });
  const lock = lockFolder(dir);
  const synced = syncKilled(dir);
  void compileLite();
  try {
    if (!(await holdsDatabase(dir))) await copyTemplate(dir, template);
    return await openIn(dir, { onError, prepare, synced, onClosed: lock.release });
  } catch (cause) {
    lock.release();
    throw cause;
  }
}

/** A folder that is there is whole: it got its name when it was finished. */
async function holdsDatabase(dir: string): Promise<boolean> {
  const names = await readdir(dir).catch(() => []);
  if (names.length === 0) return false;
  const version = await readFile(join(dir, 'PG_VERSION'), 'utf8').catch(() => 'none');
  if (version.trim() === MAJOR) return true;
  throw new Problem(
    'FAILED_PRECONDITION',
    `${dir} should be empty, missing, or a database of PostgreSQL ${MAJOR}; it holds ${version === 'none' ? 'other files' : `one of PostgreSQL ${version.trim()}`}. Name another folder.`,
    { reason: 'DATA_DIR_FOREIGN', details: { dir } },
  );
}

interface Opening extends Required<Pick<EmbeddedOptions, 'onError' | 'prepare'>> {
  readonly synced: Promise<boolean>;
  readonly onClosed: () => void;
}

async function openIn(dir: string, { onError, prepare, synced, onClosed }: Opening): Promise<Store> {
  const { lite, db } = await openLite(dir, synced);
  try {
    await prepare(db);
    await releaseDeliveries(db);
    const queue = await openQueue({ connection: { backend: 'pglite', db: fromPglite(lite) }, db, alone: true, onError });
    const upkeep = startUpkeep(db, onError);
    return {
      db,
      queue,
      leases: makeLeases(db, queue),
      jobs: makeLeasedJobs(db, queue),
      embedded: true,
      async close() {
        await upkeep.stop();
        await queue.close();
        await db.destroy();
        onClosed();
      },
    };
  } catch (cause) {
    await db.destroy();
    throw cause;
  }
}
