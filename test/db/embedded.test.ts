import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { makeTemplate } from '../../src/db/embedded/data-template.ts';
import { syncs } from '../../src/db/embedded/durable-node-fs.ts';
import { openLite } from '../../src/db/embedded/open-lite.ts';
import { startUpkeep } from '../../src/db/embedded/upkeep.ts';
import { schemaOf } from '../../src/db/migrations/migrate.ts';
import { openStore } from '../../src/db/open-store.ts';
import { addEvent } from '../../src/db/queries/add-event.ts';
import { ensureAccount } from '../../src/db/queries/ensure-account.ts';
import { findAccount } from '../../src/db/queries/find-account.ts';
import { insertDelivery } from '../../src/db/queries/insert-delivery.ts';
import { insertWebhook } from '../../src/db/queries/insert-webhook.ts';
import { takeDeliveries } from '../../src/db/queries/take-deliveries.ts';
import type { Store } from '../../src/db/store.ts';
import { CACHE_DIR } from './databases.ts';
import { listParts, makeAccount, makeJob, makePlannedJob, takeOf } from './jobs.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'boatload-embedded-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const open = (options: { readonly cacheDir?: string; readonly templateDir?: string } = {}): Promise<Store> =>
  openStore({ url: `file:${join(dir, 'data/base')}`, cacheDir: CACHE_DIR, ...options });

const run = (script: string, ...args: string[]): ChildProcess =>
  spawn(process.execPath, [fileURLToPath(script), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

test('every commit is synced to the disk before it is acknowledged', async () => {
  const store = await open();
  const job = await makeJob(store);
  const before = syncs.count;
  for (let n = 0; n < 20; n++) await addEvent(store.db, { jobUid: job.uid, at: new Date(), kind: 'note', message: `${n}` });
  expect(syncs.count - before).toBeGreaterThanOrEqual(20);
  const { rows } =
    await sql`select current_setting('fsync') as fsync, current_setting('wal_sync_method') as method, current_setting('shared_buffers') as pages`.execute(
      store.db,
    );
  expect(rows).toEqual([{ fsync: 'on', method: 'fsync', pages: '16MB' }]);
  await store.close();
});

test('nothing that was acknowledged is lost or doubled, however often the process is killed', async () => {
  const store = await open();
  const job = await makePlannedJob(store, [1_000_000]);
  await store.close();
  const acknowledged: number[] = [];
  for (let round = 0; round < 6; round++) {
    const child = run(import.meta.resolve('./commit-forever.ts'), `file:${join(dir, 'data/base')}`, CACHE_DIR, job.uid);
    const killed = once(child, 'exit');
    const upTo = acknowledged.length + 5 + 11 * round;
    for await (const line of createInterface({ input: child.stdout ?? process.stdin })) {
      acknowledged.push(Number(line));
      if (acknowledged.length === upTo) child.kill('SIGKILL');
    }
    await killed;
    expect(child.signalCode).toBe('SIGKILL');
  }
  const before = syncs.count;
  const again = await open();
  // Those that were written while it opened: all 1,100 have been synced side by side before.
  expect(syncs.count - before).toBeGreaterThan(20);
  expect(syncs.count - before).toBeLessThan(500);
  const committed = (await listParts(again.db, job.uid)).flatMap(({ rows }) => rows.map(([first]) => first));
  expect(new Set(committed).size).toBe(committed.length);
  expect(acknowledged.filter((position) => !committed.includes(position))).toEqual([]);
  expect(new Set(acknowledged).size).toBe(acknowledged.length);
  await again.close();
});

/** As people and NTP do: Date alone, which the database in this process goes by, too. */
const setClock = (byMs: number): void => void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + byMs });
const HOUR_MS = 3_600_000;

test('a clock that is set back lets no task wait until it is where it was, neither now nor at the next start', async () => {
  onTestFinished(() => void vi.useRealTimers());
  const store = await open();
  const jobUid = crypto.randomUUID();
  setClock(HOUR_MS);
  // The store sees this one, and the next.
  await delay(1_500);
  await store.queue.add('merge', [{ jobUid }]);
  vi.useRealTimers();
  await expect.poll(async () => (await store.queue.take('merge', 1)).length, { timeout: 10_000 }).toBe(1);
  setClock(HOUR_MS);
  await store.queue.add('plan', [{ jobUid }]);
  await store.close();
  vi.useRealTimers();
  const again = await open();
  expect(await again.queue.take('plan', 1)).toMatchObject([{ jobUid }]);
  await again.close();
});

test('a second process is refused while the first lives, and let in as soon as it is killed', async () => {
  const store = await open();
  const job = await makePlannedJob(store, [1_000_000]);
  await expect(open()).rejects.toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'DATA_DIR_IN_USE' });
  await store.close();
  const child = run(import.meta.resolve('./commit-forever.ts'), `file:${join(dir, 'data/base')}`, CACHE_DIR, job.uid);
  await once(child.stdout ?? process.stdin, 'data');
  await expect(open()).rejects.toMatchObject({ reason: 'DATA_DIR_IN_USE' });
  await kill(child);
  const again = await open();
  expect(await listParts(again.db, job.uid)).not.toEqual([]);
  await again.close();
});

test('what a dead process held comes back at once', async () => {
  const store = await open();
  const job = await makePlannedJob(store, [1, 1]);
  const [held] = await takeOf(store, job);
  await store.close();
  const again = await open();
  const leases = await takeOf(again, job);
  expect(leases.map(({ shard }) => shard)).toEqual([0, 1]);
  expect(leases[0]?.epoch).toBe((held?.epoch ?? 0) + 1);
  await again.close();
});

test('a webhook delivery that a dead process had in its hands is due at once', async () => {
  const store = await open();
  const accountId = await makeAccount(store);
  const at = new Date();
  const texts = { displayName: '', url: 'https://example.com/', disabledReason: '', createdBy: 'ada', salt: 's' };
  const rest = { enabled: true, events: ['batch.failed'], oldSalt: null, oldSaltUntil: null, failingSince: null };
  await insertWebhook(store.db, { accountId, id: 'hook', ...texts, ...rest, createdAt: at, updatedAt: at });
  const delivery = { accountId, webhookId: 'hook', eventId: 'evt_1', eventType: 'batch.failed', jobId: 'j', createdAt: at };
  await insertDelivery(store.db, delivery);
  const taking = { now: at, leasedUntil: new Date(at.getTime() + 60_000), most: 9, mostOfWebhook: 9, mostOfAccount: 9 };
  expect([(await takeDeliveries(store.db, taking)).length, (await takeDeliveries(store.db, taking)).length]).toEqual([1, 0]);
  await store.close();
  const again = await open();
  expect(await takeDeliveries(again.db, taking)).toMatchObject([delivery]);
  await again.close();
});

test('a template is made once, kept in the cache, and copied from then on', async () => {
  const cacheDir = join(dir, 'cache');
  const first = await open({ cacheDir });
  await ensureAccount(first.db, { id: 'first' });
  await first.close();
  const [name, ...others] = await readdir(cacheDir);
  expect([name, others]).toEqual([expect.stringMatching(/^database-[0-9a-f]{16}$/), []]);
  await rm(join(dir, 'data'), { recursive: true });
  const before = syncs.count;
  const second = await open({ cacheDir });
  expect(await findAccount(second.db, 'first')).toBeUndefined();
  expect(syncs.count - before).toBeLessThan(500);
  await second.close();
  expect(await readdir(cacheDir)).toEqual([name]);
});

test('a template that came with the package needs no cache, and no cache needs no template', async () => {
  const templateDir = join(dir, 'shipped');
  await makeTemplate(CACHE_DIR);
  await cp(CACHE_DIR, templateDir, { recursive: true });
  const nowhere = join(dir, 'nowhere');
  const shipped = await open({ templateDir, cacheDir: nowhere });
  await shipped.close();
  await expect(readdir(nowhere)).rejects.toMatchObject({ code: 'ENOENT' });
  await rm(join(dir, 'data'), { recursive: true });
  await writeFile(nowhere, 'not a folder');
  const made = await open({ cacheDir: join(nowhere, 'cache') });
  await ensureAccount(made.db, { id: 'made' });
  await made.close();
});

test('a start that was broken off while the folder was made is begun again', async () => {
  await mkdir(join(dir, 'data/base.new'), { recursive: true });
  await writeFile(join(dir, 'data/base.new/PG_VERSION'), '18\n');
  const store = await open();
  await ensureAccount(store.db, { id: 'acme' });
  await store.close();
  expect((await readdir(join(dir, 'data'))).toSorted()).toEqual(['base', 'base.lock']);
});

test('a folder with something else in it is refused and left as it is', async () => {
  await mkdir(join(dir, 'data/base'), { recursive: true });
  await writeFile(join(dir, 'data/base/thesis.txt'), 'precious');
  await expect(open()).rejects.toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'DATA_DIR_FOREIGN' });
  expect(await readdir(join(dir, 'data/base'))).toEqual(['thesis.txt']);
  await rm(join(dir, 'data/base/thesis.txt'));
  await (await open()).close();
  await chmod(join(dir, 'data/base'), 0o700);
  await writeFile(join(dir, 'data/base/PG_VERSION'), '12\n');
  await expect(open()).rejects.toThrow(/one of PostgreSQL 12/);
});

test('a folder that is damaged is named, with what PostgreSQL says of it', async () => {
  await (await open()).close();
  await writeFile(join(dir, 'data/base/global/pg_control'), Buffer.alloc(8192, 7));
  await expect(open()).rejects.toMatchObject({
    code: 'DATA_LOSS',
    reason: 'DATA_DIR_UNREADABLE',
    message: expect.stringContaining('PG_CONTROL_VERSION'),
  });
});

test('the log does not grow for ever', async () => {
  const { db } = await openLite(join(dir, 'lite'));
  const upkeep = startUpkeep(db, (cause) => {
    throw cause;
  });
  await sql`create schema ${sql.id(schemaOf())}`.execute(db);
  await sql`create table shard (id int primary key, text text)`.execute(db);
  for (const table of ['job', 'part', 'event', 'pgboss.job_common', 'pgboss.queue']) {
    if (table.startsWith('pgboss')) await sql`create schema if not exists pgboss`.execute(db);
    await sql`create table ${sql.table(table)} ()`.execute(db);
  }
  expect(await upkeep.look()).toBe(false);
  await sql`insert into shard select n, repeat(md5(n::text), 20) from generate_series(1, 60000) n`.execute(db);
  expect(await upkeep.look()).toBe(true);
  expect(await upkeep.look()).toBe(false);
  await upkeep.stop();
  await db.destroy();
});
