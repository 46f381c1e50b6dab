/** Runs a suite on both databases: what holds on one has to hold on the other. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { openStore } from '../../src/db/open-store.ts';
import type { Store } from '../../src/db/store.ts';
import { startPostgres } from '../support/postgres.ts';

/** Prepared data folders are kept here from run to run. */
export const CACHE_DIR = 'node_modules/.cache/boatload';

interface OpenDatabase {
  readonly store: Store;
  close(): Promise<void>;
}

async function openEmbeddedDatabase(): Promise<OpenDatabase> {
  const dir = await mkdtemp(join(tmpdir(), 'boatload-db-'));
  const store = await openStore({ url: `file:${join(dir, 'database')}`, cacheDir: CACHE_DIR });
  return {
    store,
    async close() {
      await store.close();
      await rm(dir, { recursive: true });
    },
  };
}

async function openServerDatabase(): Promise<OpenDatabase> {
  const server = await startPostgres();
  const store = await openStore({ url: await server.makeDatabase() });
  return {
    store,
    async close() {
      await store.close();
      await server.stop();
    },
  };
}

const DATABASES = [
  ['embedded', openEmbeddedDatabase],
  ['on a server', openServerDatabase],
] as const;

/** One database for the whole suite; its tests use jobs and accounts of their own. */
export function describeOnBoth(name: string, suite: (store: () => Store) => void): void {
  describe.for(DATABASES)(`${name}, %s`, ([, open]) => {
    let database: OpenDatabase | undefined;
    beforeAll(async () => {
      database = await open();
    });
    afterAll(() => database?.close());
    suite(() => {
      if (database === undefined) throw new Error('the database is not open yet');
      return database.store;
    });
  });
}
