/** A migration against processes of the version before it, which are in the midst of their work. */
import { Kysely, PostgresDialect, sql } from 'kysely';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { ageOfTables, migrate, schemaOf } from '../../src/db/migrations/migrate.ts';
import { MIGRATIONS } from '../../src/db/migrations/migrations.ts';
import { openStore } from '../../src/db/open-store.ts';
import { makePool } from '../../src/db/postgres-pool.ts';
import type { Db, Store } from '../../src/db/store.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { claimOf, makePlannedJob, takeOf } from './jobs.ts';

let server: TestPostgres | undefined;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

/** Notes in its own transaction what was there when it ended. */
const TOMORROW = {
  ...MIGRATIONS,
  '9999-tomorrow': ['create table found as select count(*)::int as parts from part', 'alter table part add column tomorrow int'],
};

interface Place {
  readonly url: string;
  /** As a process of this version has it. */
  readonly old: Store;
  /** And one of the next. */
  readonly db: Db;
}

async function openPlace(): Promise<Place> {
  const url = (await server?.makeDatabase()) ?? '';
  const old = await openStore({ url });
  const pool = makePool({ url, schema: schemaOf(TOMORROW), onError: () => undefined });
  const db: Db = new Kysely({ dialect: new PostgresDialect({ pool }) });
  onTestFinished(async () => {
    await old.close();
    await db.destroy();
  });
  return { url, old, db };
}

/** Commits row after row until that fails; answers how many were accepted, and why it ended. */
async function commitAll(
  old: Store,
  lease: Parameters<typeof claimOf>[0],
): Promise<{ readonly rows: number; readonly end: unknown }> {
  for (let rows = 0; ; rows++) {
    try {
      const [accepted] = await old.leases.commit([claimOf(lease, [[lease.first + rows, lease.first + rows + 1]])]);
      expect(accepted).toBe(true);
    } catch (end) {
      // One of two whose locks crossed is broken off, and tries again as a worker does.
      if (codeOf(end) === '40P01') rows -= 1;
      else return { rows, end };
    }
  }
}

const codeOf = (cause: unknown): unknown => (cause instanceof Error && 'code' in cause ? cause.code : undefined);

const countParts = async (db: Db): Promise<unknown> =>
  (await sql`select (select parts from found) as before, (select count(*)::int from part) as now`.execute(db)).rows[0];

test('commits of an older process that are under way count, and after the migration none is written any more', async () => {
  const { old, db } = await openPlace();
  const job = await makePlannedJob(old, Array(6).fill(1_000_000));
  const writing = (await takeOf(old, job)).map((lease) => commitAll(old, lease));
  await expect
    .poll(async () => (await sql<{ n: number }>`select count(*)::int as n from part`.execute(old.db)).rows[0]?.n)
    .toBeGreaterThan(50);
  await migrate(db, TOMORROW);
  const ends = await Promise.all(writing);
  const rows = ends.reduce((sum, end) => sum + end.rows, 0);
  expect(await countParts(db)).toEqual({ before: rows, now: rows });
  for (const { end } of ends) expect(end).toMatchObject({ code: 'UNAVAILABLE', reason: 'DATABASE_TOO_NEW' });
  expect(await ageOfTables(old.db)).toBe('newer');
});

test('a transaction that has begun to write ends before the migration does, and one that has not begun finds nothing', async () => {
  const { old, db } = await openPlace();
  const job = await makePlannedJob(old, [1]);
  const midway = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const writing = old.db.transaction().execute(async (tx) => {
    await tx.updateTable('job').set({ displayName: 'written by the old one' }).where('uid', '=', job.uid).execute();
    midway.resolve();
    await goOn.promise;
    await tx.updateTable('shard').set({ count: 2 }).where('jobUid', '=', job.uid).execute();
  });
  await midway.promise;
  const late = old.db.transaction().execute(async (tx) => {
    await sql`select 1`.execute(tx);
    await migrated;
    await tx.deleteFrom('job').execute();
  });
  const migrated = migrate(db, TOMORROW);
  goOn.resolve();
  await writing;
  await migrated;
  await expect(late).rejects.toMatchObject({ reason: 'DATABASE_TOO_NEW' });
  expect((await sql`select display_name from job`.execute(db)).rows).toEqual([{ display_name: 'written by the old one' }]);
});

test('the tables of an older process that idles in the way are taken when it goes on, not before', async () => {
  const { old, db } = await openPlace();
  await makePlannedJob(old, [1]);
  const letGo = Promise.withResolvers<void>();
  const reading = Promise.withResolvers<void>();
  const idle = old.db.transaction().execute(async (tx) => {
    await tx.selectFrom('webhook').select('id').execute();
    reading.resolve();
    await letGo.promise;
  });
  await reading.promise;
  const migrated = migrate(db, TOMORROW);
  // Longer than the migration waits for a lock: it tries again.
  const waiting = sql<{
    n: number;
  }>`select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
  await expect.poll(async () => (await waiting.execute(db)).rows[0]?.n, { timeout: 10_000 }).toBeGreaterThan(0);
  await expect.poll(async () => (await waiting.execute(db)).rows[0]?.n, { timeout: 10_000 }).toBe(0);
  expect(await ageOfTables(old.db)).toBe('current');
  letGo.resolve();
  await Promise.all([idle, migrated]);
  expect(await ageOfTables(old.db)).toBe('newer');
}, 30_000);

test('of several newer processes that migrate at once one works', async () => {
  const { old, db } = await openPlace();
  await Promise.all([migrate(db, TOMORROW), migrate(db, TOMORROW), migrate(db, TOMORROW)]);
  expect(await ageOfTables(db, TOMORROW)).toBe('current');
  await expect(migrate(old.db)).rejects.toMatchObject({ reason: 'DATABASE_TOO_NEW' });
});
