import { PGlite } from '@electric-sql/pglite';
import { CamelCasePlugin, Kysely, PGliteDialect } from 'kysely';
import type { Schema } from '../schema.ts';
import type { Db } from '../store.ts';
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

/** Opens the database in a folder, where every commit is on disk when it is acknowledged; makes it when there is none. */
export async function openLite(dir: string): Promise<Lite> {
  const lite = await PGlite.create({
    fs: new DurableNodeFs(dir),
    startParams: START_PARAMS,
    // Small segments: a new database is 16 MB smaller, and the log stays within 64 MB between checkpoints.
    initDbStartParams: ['--wal-segsize=1'],
  });
  const db = new Kysely<Schema>({
    dialect: new PGliteDialect({ pglite: lite }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  });
  return { lite, db };
}
