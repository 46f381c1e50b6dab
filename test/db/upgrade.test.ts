import { Kysely, PostgresDialect, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { expect, test } from 'vitest';
import { MIGRATIONS } from '../../src/db/migrations/migrations.ts';
import { openStore } from '../../src/db/open-store.ts';
import { makePool } from '../../src/db/postgres-pool.ts';
import { findApiKey } from '../../src/db/queries/find-api-key.ts';
import { findJobByUid } from '../../src/db/queries/find-job-by-uid.ts';
import { startPostgres } from '../support/postgres.ts';

const JOB = '7b0c9c1e-0f0a-4c53-9d3a-5f8f0f0f0f0f';

type Old = Kysely<Record<string, never>>;

/** The tables as they were after this migration, which is before they had a schema of their own. */
async function openOld(url: string, newest: string): Promise<Old> {
  const db: Old = new Kysely({
    dialect: new PostgresDialect({ pool: makePool({ url, schema: 'public', onError: () => undefined }) }),
  });
  const made = Object.entries(MIGRATIONS).filter(([name]) => name <= newest);
  const toMigration = (texts: readonly string[]) => ({
    up: async () => {
      for (const text of texts) await sql.raw(text).execute(db);
    },
  });
  const migrations = Object.fromEntries(made.map(([name, texts]) => [name, toMigration(texts)]));
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  expect((await migrator.migrateToLatest()).error).toBeUndefined();
  return db;
}

/** A database as the first version left it, with an account that has a key and a job that runs. */
async function makeFirstVersion(url: string, hash: Buffer): Promise<void> {
  const db = await openOld(url, '0001-ground');
  await sql`insert into account values ('acme', 'Acme', '2026-01-01T00:00:00Z'), ('empty', 'Empty', '2026-01-01T00:00:00Z')`.execute(
    db,
  );
  await sql`
    insert into api_key (id, account_id, hash, prefix, display_name, role, created_at)
    values ('k1', 'acme', ${hash}, 'bl_abc', 'first key', 'admin', '2026-01-02T00:00:00Z'), ('k2', 'acme', 'x', 'bl_x', 'second', 'admin', '2026-01-03T00:00:00Z')
  `.execute(db);
  await sql`
    insert into job (uid, account_id, id, display_name, created_by, state, status_code, status_message, model, precision, input_dataset_id,
                     output_dataset_id, settings, created_at, updated_at, expires_at)
    values (${JOB}, 'acme', 'old', '', 'ada', 'VALIDATING', 'OK', '', 'm', 'BF16', 'in', 'out', '{}',
            '2026-01-04T00:00:00Z', '2026-01-04T00:00:00Z', '2026-01-05T00:00:00Z')
  `.execute(db);
  await sql`update job set state = 'PENDING', updated_at = '2026-01-04T00:00:01.5Z'`.execute(db);
  await sql`update job set state = 'RUNNING', updated_at = '2026-01-04T00:00:02Z'`.execute(db);
  await db.destroy();
}

test("the first version's keys go on working, as those of the account's first admin, and its jobs know when they moved", async () => {
  const server = await startPostgres();
  try {
    const url = await server.makeDatabase();
    const hash = Buffer.from('hash of a key');
    await makeFirstVersion(url, hash);
    const store = await openStore({ url });
    expect(await findApiKey(store.db, hash, new Date())).toMatchObject({
      id: 'k1',
      accountId: 'acme',
      userId: 'admin',
      role: 'admin',
      annotations: {},
    });
    const users = await store.db.selectFrom('accountUser').selectAll().execute();
    expect(users).toMatchObject([{ accountId: 'acme', id: 'admin', createdAt: new Date('2026-01-02T00:00:00Z') }]);
    const { state, movedAt } = (await findJobByUid(store.db, JOB)) ?? {};
    expect([state, movedAt]).toEqual([
      'RUNNING',
      { VALIDATING: '2026-01-04T00:00:00.000Z', PENDING: '2026-01-04T00:00:01.500Z', RUNNING: '2026-01-04T00:00:02.000Z' },
    ]);
    await store.close();
  } finally {
    await server.stop();
  }
});

interface OldJob {
  readonly id: string;
  readonly models: readonly (string | null)[];
  readonly settled: readonly number[];
  readonly nextShard: number;
}

/** A job that ran when the first shards of every job were in the queue. */
async function makeRunningJob(db: Old, { id, models, settled, nextShard }: OldJob): Promise<void> {
  await sql`
    insert into job (uid, account_id, id, display_name, created_by, state, status_code, status_message, model, precision, input_dataset_id,
                     output_dataset_id, settings, created_at, updated_at, expires_at, next_shard, window_size)
    values (gen_random_uuid(), 'acme', ${id}, '', 'ada', 'RUNNING', 'OK', '', 'm', 'BF16', 'in', ${`out-${id}`}, '{}', now(), now(),
            now() + interval '1 day', ${nextShard}::int, 2)
  `.execute(db);
  for (const [index, model] of models.entries())
    await sql`
      insert into shard (job_uid, index, first, count, model, settled)
      select uid, ${index}::int, ${index}::int, 1, ${model}::text, ${settled.includes(index)}::boolean from job where id = ${id}
    `.execute(db);
}

test('of a job that runs, of one model or several, the shards that were not in the queue yet wait in the line after the upgrade, and no others', async () => {
  const server = await startPostgres();
  try {
    const url = await server.makeDatabase();
    const old = await openOld(url, '0008-reading-order');
    await sql`insert into account (id, display_name, created_at) values ('acme', 'Acme', now())`.execute(old);
    // In the queue: of `several` two shards of each model and one more for the settled one, of `single` those before the third.
    await makeRunningJob(old, { id: 'several', models: ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'c'], settled: [0], nextShard: 0 });
    await makeRunningJob(old, { id: 'single', models: [null, null, null, null], settled: [], nextShard: 2 });
    await old.destroy();
    const store = await openStore({ url });
    const leases = await store.leases.take(20);
    const found = leases.map(({ model, shard }) => `${model} ${shard}`).toSorted();
    expect(found).toEqual(['a 3', 'b 6', 'm 2', 'm 3']);
    await store.close();
  } finally {
    await server.stop();
  }
});
