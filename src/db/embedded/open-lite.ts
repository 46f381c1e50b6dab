import { PGlite } from '@electric-sql/pglite';
import { CamelCasePlugin, Kysely, PGliteDialect } from 'kysely';
import { Problem } from '../../base/problem.ts';
import { schemaOf } from '../migrations/migrate.ts';
import type { Schema } from '../schema.ts';
import type { Db } from '../store.ts';
import { compileLite } from './compile-lite.ts';
import { DurableNodeFs } from './durable-node-fs.ts';

/** An open embedded database; `db.destroy()` closes it. */
export interface Lite {
  readonly lite: PGlite;
  readonly db: Db;
}

/** `-F` is fsync off; PGlite's default of 128 MB for pages costs memory that one process does not need. */
const START_PARAMS = [
  ...PGlite.defaultStartParams.filter((param) => param !== '-F'),
  ...['fsync=on', 'wal_sync_method=fsync', 'shared_buffers=16MB'].flatMap((setting) => ['-c', setting]),
];

/**
 * Opens the database in a folder, where every commit is on disk when it is acknowledged; makes it when there is none. `synced`: whether all that an earlier
 * process has written there is on disk.
 */
export async function openLite(dir: string, synced: Promise<boolean> = Promise.resolve(false)): Promise<Lite> {
  const lite = await startLite(dir, synced);
  await lite.exec(`set search_path to ${schemaOf()}`);
  const db = new Kysely<Schema>({
    dialect: new PGliteDialect({ pglite: lite }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  });
  return { lite, db };
}

async function startLite(dir: string, synced: Promise<boolean>): Promise<PGlite> {
  const said: string[] = [];
  const fs = new DurableNodeFs(dir, synced);
  const pgliteWasmModule = await compileLite();
  try {
    const lite = await PGlite.create({
      fs,
      pgliteWasmModule,
      startParams: START_PARAMS,
      // Small segments: a new database is 16 MB smaller, and the log stays within 64 MB between checkpoints.
      initDbStartParams: ['--wal-segsize=1'],
      onStderr: (text) => said.push(text) > 0,
    });
    fs.opened();
    return lite;
  } catch (cause) {
    throw unreadable(dir, said, cause);
  }
}

/** PGlite says only that it failed; PostgreSQL has said why before. */
function unreadable(dir: string, said: readonly string[], cause: unknown): Problem {
  const reasons = said.flatMap((line) => /(?:PANIC|FATAL|ERROR|DETAIL): +(.*)/.exec(line)?.[1] ?? []);
  return new Problem(
    'DATA_LOSS',
    `The database in ${dir} can't be opened: ${reasons.join(' ') || 'PostgreSQL does not say why.'} Restore the folder from a copy, or name another one.`,
    { reason: 'DATA_DIR_UNREADABLE', details: { dir }, cause },
  );
}
