import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from '../../src/db/open-store.ts';
import type { Store } from '../../src/db/store.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { claimOf, makePlannedJob, pick, takeOneOf } from './jobs.ts';

const NEVER = new AbortController().signal;

let server: TestPostgres | undefined;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

const makeDatabase = async (): Promise<string> => (await server?.makeDatabase()) ?? '';
const closeAll = (stores: readonly Store[]): Promise<unknown> => Promise.all(stores.map((store) => store.close()));

test('processes that start on an empty database at the same time all come up', async () => {
  const url = await makeDatabase();
  const stores = await Promise.all([1, 2, 3].map(() => openStore({ url })));
  for (const { db, embedded } of stores) {
    expect(embedded).toBe(false);
    expect((await sql`select count(*)::int as n from job`.execute(db)).rows).toEqual([{ n: 0 }]);
  }
  await closeAll(stores);
});

test('work that one process adds wakes another, and its shard can be taken there', async () => {
  const url = await makeDatabase();
  const stores = [await openStore({ url }), await openStore({ url })];
  const [here, there] = [pick(stores, 0), pick(stores, 1)];
  expect(await there.leases.take(1)).toEqual([]);
  const taken = there.leases.take(1, { maxMs: 60_000, signal: NEVER });
  const job = await makePlannedJob(here, [2]);
  const lease = pick(await taken, 0);
  expect(lease.jobUid).toBe(job.uid);
  expect(await here.leases.commit([claimOf(lease)])).toEqual([true]);
  await closeAll(stores);
});

test("what comes back to the queue while others are called is taken with them, and takes nobody else's place", async () => {
  const store = await openStore({ url: await makeDatabase() });
  const older = await makePlannedJob(store, [1]);
  const lease = await takeOneOf(store, older);
  const newer = await makePlannedJob(store, [1]);
  const take = await store.db.transaction().execute(async (tx) => {
    await sql`lock table waiting in access exclusive mode`.execute(tx);
    const taken = store.leases.take(2);
    const waits = sql`select 1 from pg_locks where relation = 'waiting'::regclass and not granted`;
    await expect.poll(async () => (await waits.execute(store.db)).rows, { timeout: 20_000 }).toHaveLength(1);
    await store.leases.giveBack(lease);
    return { taken };
  });
  // Nobody is promised to be first.
  expect((await take.taken).map(({ jobUid }) => jobUid).toSorted()).toEqual([older.uid, newer.uid].toSorted());
  await store.close();
});

test('opening a database takes nothing away from the processes that use it', async () => {
  const url = await makeDatabase();
  const first = await openStore({ url });
  const lease = await takeOneOf(first, await makePlannedJob(first, [1]));
  const second = await openStore({ url });
  expect(await first.leases.keep([lease])).toEqual([]);
  expect(await second.leases.take(1)).toEqual([]);
  await closeAll([first, second]);
});

test('a shard whose holder is silent goes to somebody else, and the holder is fenced off', async () => {
  const url = await makeDatabase();
  const stores = [await openStore({ url }), await openStore({ url })];
  const [silent, other] = [pick(stores, 0), pick(stores, 1)];
  const job = await makePlannedJob(silent, [2, 2]);
  const [lost, kept] = await silent.leases.take(2);
  if (lost === undefined || kept === undefined) throw new Error('two shards were queued');
  const taken = await takeWhenThere(other, () => silent.leases.keep([kept]));
  expect(taken).toMatchObject({ jobUid: job.uid, shard: lost.shard, epoch: lost.epoch + 1 });
  expect(await silent.leases.commit([claimOf(lost), claimOf(kept)])).toEqual([false, true]);
  expect(await silent.leases.keep([lost, kept])).toEqual([lost]);
  await closeAll(stores);
}, 40_000);

test('a lost connection ends nothing but the statement that was on it', async () => {
  const troubles: unknown[] = [];
  const store = await openStore({ url: await makeDatabase(), log: { warn: (facts) => troubles.push(facts) } });
  const cutOff = sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
  await Promise.all([1, 2, 3].map(() => sql`select 1`.execute(store.db)));
  await cutOff.execute(store.db);
  await expect.poll(() => troubles.length, { timeout: 5_000 }).toBeGreaterThan(0);
  await expect
    .poll(() => store.queue.add('plan', [{ jobUid: randomUUID() }]).then(() => 'added', String), { timeout: 5_000 })
    .toBe('added');
  expect(await store.queue.take('plan', 1)).toHaveLength(1);
  await store.close();
});

test('an address that is not a database is refused in a sentence that hides the password', async () => {
  await expect(openStore({ url: 'mysql://root:hunter2@db/x' })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    reason: 'DATABASE_URL_UNKNOWN',
  });
  await expect(openStore({ url: 'mysql://root:hunter2@db/x' })).rejects.not.toThrow(/hunter2/);
});

test('a server that is not there is named as the trouble', async () => {
  await expect(openStore({ url: 'postgres://nobody@127.0.0.1:1/none' })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    reason: 'DATABASE_UNREACHABLE',
  });
});

/** Nobody announces that a heartbeat is missing: takers ask again from time to time. */
async function takeWhenThere({ leases }: Store, meanwhile: () => Promise<unknown>) {
  for (;;) {
    const [lease] = await leases.take(1, { maxMs: 500, signal: NEVER });
    if (lease !== undefined) return lease;
    await meanwhile();
  }
}

test('a restart of the database is not the death of those who hold tasks', async () => {
  const store = await openStore({ url: await makeDatabase() });
  const lease = await takeOneOf(store, await makePlannedJob(store, [1]));
  await server?.crash();
  // As if it had been away for so long: only now, as supervision may not see it before.
  const grow = sql`update pgboss.job set heartbeat_on = now() - interval '60 s' where state = 'active' returning id`;
  const grown = () => grow.execute(store.db).then(({ rows }) => rows.length, String);
  await expect.poll(grown, { timeout: 10_000 }).toBe(1);
  // Time for rounds of the supervision, which would take it for abandoned.
  await delay(2_500);
  await expect.poll(() => store.leases.keep([lease]), { timeout: 10_000 }).toEqual([]);
  expect(await store.leases.commit([claimOf(lease)])).toEqual([true]);
  await store.close();
});
