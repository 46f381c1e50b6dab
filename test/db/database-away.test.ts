/** A PostgreSQL server that is there and does not serve: silent, read-only, or gone. */
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openDatabaseClock } from '../../src/db/database-clock.ts';
import { openPostgres } from '../../src/db/open-postgres.ts';
import type { Store } from '../../src/db/store.ts';
import { type Line, openLine } from '../../src/torture/line.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres?.stop());

interface Away {
  readonly url: string;
  readonly line: Line;
  readonly store: Store;
}

/** A database behind a line on which things go wrong, with so much patience for its answers. */
async function openAway(answerWithinMs: number): Promise<Away> {
  const url = await postgres.makeDatabase();
  const line = await openLine({ to: { port: Number(new URL(url).port) } });
  const through = new URL(url);
  through.port = String(line.port);
  const store = await openPostgres({ url: through.href, onError: () => undefined, tables: 'make', answerWithinMs });
  onTestFinished(async () => {
    line.cut();
    await store.close();
    await line.close();
  });
  return { url, line, store };
}

const AWAY = { code: 'UNAVAILABLE', reason: 'DATABASE_UNREACHABLE' };

test('a server that falls silent is away after a while, and the connections that it left are not used again', async () => {
  const { line, store } = await openAway(2_000);
  const ask = () => sql`select 1 as one`.execute(store.db);
  const inTransaction = store.db.transaction().execute(async (tx) => {
    await sql`select 1`.execute(tx);
    line.stall();
    await sql`select 2`.execute(tx);
  });
  await expect(inTransaction).rejects.toMatchObject(AWAY);
  await expect(ask()).rejects.toMatchObject(AWAY);
  await expect(store.queue.take('plan', 1)).rejects.toThrow(/timeout/);
  line.heal();
  expect((await ask()).rows).toEqual([{ one: 1 }]);
  expect(await store.queue.take('plan', 1)).toEqual([]);
});

test('a server that is gone is away at once, and back at once', async () => {
  const { line, store } = await openAway(20_000);
  const ask = () => sql`select 1 as one`.execute(store.db);
  await ask();
  line.cut();
  await expect(ask()).rejects.toMatchObject(AWAY);
  line.heal();
  expect((await ask()).rows).toEqual([{ one: 1 }]);
});

test('after a failover, nobody keeps on asking the one that takes no writes', async () => {
  const { url, store } = await openAway(20_000);
  const name = new URL(url).pathname.slice(1);
  const write = () => sql`create table if not exists seen (at int)`.execute(store.db);
  await postgres.run(url, `alter database ${name} set default_transaction_read_only to on`);
  await postgres.run(
    url,
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}' and pid <> pg_backend_pid()`,
  );
  // The first may still meet a connection that was cut; then they are those that only read.
  await write().catch(() => undefined);
  await expect(write()).rejects.toMatchObject({ ...AWAY, message: expect.stringContaining('read-only') });
  await postgres.run(await postgres.makeDatabase(), `alter database ${name} reset default_transaction_read_only`);
  await expect(write()).resolves.toBeDefined();
});

test("the time is the database's: a machine whose clock is wrong does not notice, and an absent database does not stop it", async () => {
  const { line, store } = await openAway(20_000);
  const realNow = Date.now;
  onTestFinished(() => {
    Date.now = realNow;
  });
  Date.now = () => realNow() + 3_600_000;
  const clock = await openDatabaseClock(store.db, 50);
  onTestFinished(() => clock.close());
  expect(Math.abs(clock.now().getTime() - realNow())).toBeLessThan(60_000);
  line.cut();
  const before = clock.now();
  await delay(120);
  expect(clock.now().getTime()).toBeGreaterThan(before.getTime());
});
