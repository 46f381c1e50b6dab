/** A whole installation through an archive, from one size to the other and back: equal rows in every table, equal objects. */
import { createHash } from 'node:crypto';
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { writeManifest } from '../../src/actions/moving/archive.ts';
import { writeLines } from '../../src/actions/moving/line-file.ts';
import type { MoveFacts, MoveView } from '../../src/cli/doors.ts';
import { LEFT_TABLES, MOVED_TABLES } from '../../src/db/moving/moved-tables.ts';
import { listTables } from '../../src/db/moving/read-tables.ts';
import { openStore } from '../../src/db/open-store.ts';
import type { Store } from '../../src/db/store.ts';
import { exportTo, importFrom } from '../../src/moving.ts';
import { openObjectStore } from '../../src/storage/open-object-store.ts';
import { makeJob, makePlannedJob } from '../db/jobs.ts';
import { makeFolder } from '../support/folder.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 120_000);
afterAll(() => postgres?.stop());
afterEach(() => vi.unstubAllEnvs());

const view: MoveView = { opened: () => undefined, busy: () => undefined, notice: () => undefined };

/** One installation: how the doors are told of it, and where it is. */
interface Place {
  readonly request: { readonly dataDir?: string };
  readonly database: string;
  readonly objects: string;
}

async function makeServer(): Promise<Place> {
  const dataDir = join(await makeFolder(), 'data');
  return { request: { dataDir }, database: `file:${join(dataDir, 'database')}`, objects: `file:${join(dataDir, 'objects')}` };
}

async function makeFleet(secretFile: string): Promise<Place> {
  const place = { request: {}, database: await postgres.makeDatabase(), objects: `file:${await makeFolder()}` };
  vi.stubEnv('DATABASE_URL', place.database);
  vi.stubEnv('OBJECT_STORE', place.objects);
  vi.stubEnv('BOATLOAD_SECRET_FILE', secretFile);
  return place;
}

async function inStore<Result>({ database }: Place, look: (store: Store) => Promise<Result>): Promise<Result> {
  const store = await openStore({ url: database });
  return look(store).finally(() => store.close());
}

/** Every row as PostgreSQL writes it, by table; and every object's hash. */
const readAll = (place: Place) =>
  inStore(place, async ({ db }) => {
    const read: Record<string, readonly string[]> = {};
    for (const table of MOVED_TABLES) {
      const { rows } = await sql<{ text: string }>`
        select set_config('timezone', 'UTC', false), moved::text as text from ${sql.id(table)} as moved order by 2
      `.execute(db);
      read[table] = rows.map(({ text }) => text);
    }
    const objects = await openObjectStore(place.objects);
    for await (const { key } of objects.list(''))
      read[key] = [
        createHash('sha256')
          .update(await objects.read(key))
          .digest('hex'),
      ];
    return read;
  });

const AT = '2026-03-01T10:00:00.123Z';
/** What is hard to carry: a backslash, a quote, a line end, what is beyond the first plane, and a separator of lines. */
const HARD = 'a\\b"c\'\n\t\u{1f6a2} \u2028 {}';

/** Rows in every table, jobs of every state, objects with names of every kind. */
async function furnish(place: Place): Promise<void> {
  await inStore(place, async (store) => {
    const { db } = store;
    const job = await makePlannedJob(store, [10, 10, 10], ['m-1', 'm-1', 'm-2']);
    const { accountId } = await makeJob(store, { metadata: { note: HARD } });
    const writing = await makePlannedJob(store, [5]);
    await sql`update job set state = 'WRITING_RESULTS', outcome = 'CANCELLED' where uid = ${writing.uid}`.execute(db);
    const over = await makePlannedJob(store, [4]);
    await sql`update shard set settled = true, done = '{[0,4)}' where job_uid = ${over.uid}`.execute(db);
    await sql`update job set state = 'WRITING_RESULTS', outcome = 'COMPLETED' where uid = ${over.uid}`.execute(db);
    await sql`update shard set settled = true, done = '{[0,10)}' where job_uid = ${job.uid} and index = 0`.execute(db);
    await sql`update shard set epoch = 3, done = '{[10,12),[14,15)}' where job_uid = ${job.uid} and index = 1`.execute(db);
    for (const statement of [
      sql`update account set display_name = ${HARD}`,
      sql`insert into account_user values (${accountId}, 'ada', ${HARD}, 'ada@example.test', 'admin', '', false, ${AT}, ${AT})`,
      sql`insert into api_key (id, account_id, user_id, hash, prefix, display_name, annotations, created_at)
          values ('k', ${accountId}, 'ada', '\\x00ff5c22', 'bl_', ${HARD}, ${JSON.stringify({ [HARD]: null })}::jsonb, ${AT})`,
      sql`insert into dataset_file values (${accountId}, 'in', ${HARD}, 'uploads/a', 9007199254740993, 4, 'ab', ${AT}, true)`,
      sql`insert into upload values (${accountId}, 'u', 'f', 9, 'batch', null, 'pending', null, 'ada', ${AT}, ${AT})`,
      sql`insert into upload_part values (${accountId}, 'u', 'p', 'uploads/b', 9, ${AT})`,
      sql`insert into part (job_uid, shard, epoch, object_key, rows, failed_rows, ok, failed, input_tokens, output_tokens, cached_tokens, bytes)
          values (${job.uid}, 0, 1, 'jobs/p', '{[0,3),[5,10)}', '{}', 8, 0, 1, 2, 9007199254740993, 4)`,
      sql`insert into kept_usage values (${accountId}, 'm', null, ${AT}, 1, 2, 3, 4)`,
      sql`insert into model values (${accountId}, 'm', ${job.uid}, '', '', 'k', 'READY', true, '{"n": 1.50}', '["FP8"]', 'ada', ${AT}, ${AT})`,
      sql`insert into model_file values (${accountId}, 'm', 'f', 1, null, null, ${AT})`,
      sql`insert into quota values (${accountId}, 'dataset-bytes', 1, ${AT})`,
      sql`insert into audit_entry (account_id, at, principal, email, api_key_id, method, resource, status_code, message, admin_action, user_agent, client_ip)
          values (${accountId}, ${AT}, 'ada', '', 'k', 'm', 'r', 'OK', ${HARD}, false, '', '')`,
      sql`insert into webhook values (${accountId}, 'w', '', 'https://x', array['batch.completed', ${HARD}], 's', null, null, true, '', null, 'ada', ${AT}, ${AT})`,
      sql`insert into webhook_delivery (account_id, webhook_id, event_id, event_type, job_id, state, created_at)
          values (${accountId}, 'w', 'e', 'batch.completed', 'j', 'PENDING', ${AT})`,
      sql`insert into kept_reply values (${accountId}, 'k', 'key:1', 'f', 200, ${HARD}, ${AT}, ${AT})`,
      sql`insert into engine values (${accountId}, 'e', '', 'http://x', null, 'vllm', '[{"id": "m", "servedAs": "M"}]', 4, null, null, null, null, false, 'ada', ${AT}, ${AT})`,
    ])
      await statement.execute(db);
    // What is done through the doors leaves triggers' rows; here the end of a job is told to the webhook.
    await sql`update job set state = 'COMPLETED', ended_at = ${AT} where uid = ${over.uid}`.execute(db);
  });
  const objects = await openObjectStore(place.objects);
  for (const key of ['uploads/a', 'uploads/b', 'jobs/p', 'jobs/with space/é', 'empty'])
    await objects.put(key, Buffer.from(key === 'empty' ? '' : key.repeat(1000)));
}

test('every table is decided about: it moves, or is left with a reason', async () => {
  const names = await inStore(await makeServer(), ({ db }) => listTables(db));
  expect([...MOVED_TABLES, ...Object.keys(LEFT_TABLES)].toSorted()).toEqual(names);
});

test('there and back: every row of every table and every object is the same, and unfinished jobs wait for workers', async () => {
  const archives = await makeFolder();
  const home = await makeServer();
  await furnish(home);
  const before = await readAll(home);
  expect(Object.entries(before).filter(([, rows]) => rows.length === 0)).toEqual([]);
  const [first, second] = [join(archives, 'first'), join(archives, 'second')];

  const facts: MoveFacts = await exportTo({ archive: first, ...home.request }, view);
  expect(facts).toMatchObject({ objects: 5, unfinishedJobs: 3 });
  const fleet = await makeFleet(join(first, 'secret'));
  expect(await importFrom({ archive: first, ...fleet.request }, view)).toEqual(facts);
  expect(await readAll(fleet)).toEqual(before);

  await exportTo({ archive: second, ...fleet.request }, view);
  const back = await makeServer();
  await importFrom({ archive: second, ...back.request }, view);
  expect(await readAll(back)).toEqual(before);
  const secretOf = ({ request }: Place) => readFile(join(request.dataDir ?? '', 'secret'));
  expect(await secretOf(back)).toEqual(await secretOf(home));

  await inStore(back, async ({ queue, db }) => {
    const tasks = [
      ...(await queue.take('plan', 9)),
      ...(await queue.take('shard', 9)).toSorted((a, b) => (a.shard ?? 0) - (b.shard ?? 0)),
      ...(await queue.take('merge', 9)),
    ];
    expect(tasks.map(({ kind, shard }) => [kind, shard])).toEqual([
      ['plan', undefined],
      ['shard', 1],
      ['shard', 2],
      ['merge', undefined],
    ]);
    // Numbers go on where they were.
    await sql`insert into event (job_uid, at, kind, message) select uid, now(), 'k', '' from job limit 1`.execute(db);
  });
});

test('an import that meets damage changes nothing, keeps everybody away, and is repeated', async () => {
  const home = await makeServer();
  await furnish(home);
  const archive = join(await makeFolder(), 'archive');
  await exportTo({ archive, ...home.request }, view);
  const damage = [join(archive, 'tables', 'quota.jsonl'), join(archive, 'objects', 'jobs', 'p')];
  for (const path of damage) {
    const whole = await readFile(path);
    await writeFile(path, Buffer.from(whole).fill('x', whole.length - 9, whole.length - 6));
    const place = await makeServer();
    await expect(importFrom({ archive, ...place.request }, view)).rejects.toMatchObject({
      code: expect.stringMatching(/DATA_LOSS|22P02/),
    });
    await expect(inStore(place, readTablesOf)).rejects.toMatchObject({ reason: 'IMPORT_UNDER_WAY' });
    await writeFile(path, whole);
    await importFrom({ archive, ...place.request }, view);
    expect(await readAll(place)).toEqual(await readAll(home));
  }
});

test('an archive that somebody has made up gets nothing in and nothing out', async () => {
  const home = await makeServer();
  await furnish(home);
  const dir = await makeFolder();
  const archive = join(dir, 'archive');
  await exportTo({ archive, ...home.request }, view);
  const whole = JSON.parse(await readFile(join(archive, 'manifest.json'), 'utf8'));
  const outside = { name: '../../outside', ...(await writeLines(join(dir, 'outside.jsonl'), ['{}'])) };
  const [account] = whole.tables;
  for (const tables of [[...whole.tables, outside], [account, account], [{ ...account, name: 'engine_report' }]]) {
    await writeManifest(archive, { ...whole, tables });
    await expect(importFrom({ archive, ...(await makeServer()).request }, view)).rejects.toMatchObject({
      reason: 'ARCHIVE_DAMAGED',
    });
  }
  const listed = { bytes: 1, sha256: createHash('sha256').update('x').digest('hex') };
  for (const [line, reason] of [
    [JSON.stringify({ key: '../../outside.jsonl', ...listed }), 'INVALID_OBJECT_KEY'],
    [JSON.stringify({ key: '/etc/passwd', ...listed }), 'INVALID_OBJECT_KEY'],
    [JSON.stringify({ key: ['a'], ...listed }), 'ARCHIVE_DAMAGED'],
    ['{"key":', 'ARCHIVE_DAMAGED'],
  ] as const) {
    const objects = { ...(await writeLines(join(archive, 'objects.jsonl'), [line])), objectBytes: 1 };
    await writeManifest(archive, { ...whole, objects });
    await expect(importFrom({ archive, ...(await makeServer()).request }, view)).rejects.toMatchObject({ reason });
  }
  for (const secret of ['', 'hex:', 'a text']) {
    await writeFile(join(archive, 'secret'), secret);
    await expect(importFrom({ archive, ...(await makeServer()).request }, view)).rejects.toMatchObject({
      reason: 'ARCHIVE_DAMAGED',
    });
  }
});

test('nobody else can read an archive, whatever the folder was like before', async () => {
  const home = await makeServer();
  await furnish(home);
  const archive = await makeFolder();
  await chmod(archive, 0o755);
  await writeFile(join(archive, 'secret'), '', { mode: 0o644 });
  await exportTo({ archive, ...home.request }, view);
  const modeOf = async (name: string) => ((await stat(join(archive, name))).mode & 0o777).toString(8);
  for (const name of ['tables', 'objects']) expect(await modeOf(name)).toBe('700');
  for (const name of ['secret', 'manifest.json', 'objects.jsonl']) expect(await modeOf(name)).toBe('600');
});

const readTablesOf = ({ db }: Store) => listTables(db);

test('a place that is not empty, an archive that is not whole or newer, another secret: all are refused', async () => {
  const home = await makeServer();
  await furnish(home);
  const archive = join(await makeFolder(), 'archive');
  await exportTo({ archive, ...home.request }, view);
  await expect(exportTo({ archive, ...home.request }, view)).rejects.toMatchObject({ reason: 'ARCHIVE_EXISTS' });
  await expect(importFrom({ archive, ...home.request }, view)).rejects.toMatchObject({ reason: 'PLACE_NOT_EMPTY' });
  await inStore(home, async ({ db }) => {
    await expect(exportTo({ archive: `${archive}-2`, ...home.request }, view)).rejects.toMatchObject({
      reason: 'DATA_DIR_IN_USE',
    });
    await db.selectFrom('account').select('id').execute();
  });
  const other = join(await makeFolder(), 'secret');
  await writeFile(other, 'another secret of a fleet, long enough');
  const fleet = await makeFleet(other);
  await expect(importFrom({ archive, ...fleet.request }, view)).rejects.toMatchObject({ reason: 'OTHER_SECRET' });
  await inStore(fleet, () =>
    expect(importFrom({ archive, newSecret: true }, view)).rejects.toMatchObject({ reason: 'DATABASE_IN_USE' }),
  );

  const manifest = JSON.parse(await readFile(join(archive, 'manifest.json'), 'utf8'));
  await writeFile(
    join(archive, 'manifest.json'),
    JSON.stringify({ ...manifest, migrations: [...manifest.migrations, '9999-tomorrow'] }),
  );
  await expect(importFrom({ archive, newSecret: true }, view)).rejects.toMatchObject({ reason: 'ARCHIVE_TOO_NEW' });
  await rm(join(archive, 'manifest.json'));
  await expect(importFrom({ archive, newSecret: true }, view)).rejects.toMatchObject({ reason: 'ARCHIVE_NOT_WHOLE' });
  // An export that was cut short goes on in the same folder.
  await exportTo({ archive, ...home.request }, view);
  expect(await readdir(archive)).toContain('manifest.json');
});

test('an archive of the first version comes in, and its tables are brought up to date', async () => {
  const archive = await makeFolder();
  const place = await makeServer();
  await exportTo({ archive: join(archive, 'empty'), ...(await furnished(place)).request }, view);
  const account = { id: 'acme', display_name: 'Acme', created_at: AT };
  const key = { id: 'k', account_id: 'acme', hash: '\\x01', prefix: 'bl_', display_name: '', role: 'admin', created_at: AT };
  const dir = join(archive, 'empty');
  const tables = [
    { name: 'account', ...(await writeLines(join(dir, 'tables', 'account.jsonl'), [JSON.stringify(account)])) },
    { name: 'api_key', ...(await writeLines(join(dir, 'tables', 'api_key.jsonl'), [JSON.stringify(key)])) },
  ];
  const manifest = JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8'));
  await writeManifest(dir, { ...manifest, migrations: ['0001-ground'], tables });
  for (const target of [await makeServer(), await makeFleet(join(dir, 'secret'))]) {
    await importFrom({ archive: dir, ...target.request }, view);
    expect(await inStore(target, ({ db }) => db.selectFrom('apiKey').select(['id', 'userId']).execute())).toEqual([
      { id: 'k', userId: 'admin' },
    ]);
  }
});

async function furnished(place: Place): Promise<Place> {
  await furnish(place);
  return place;
}
