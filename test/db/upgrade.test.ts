import { Kysely, PostgresDialect, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { Pool } from 'pg';
import { expect, test } from 'vitest';
import { GROUND } from '../../src/db/migrations/0001-ground.ts';
import { openStore } from '../../src/db/open-store.ts';
import { findApiKey } from '../../src/db/queries/find-api-key.ts';
import { findJobByUid } from '../../src/db/queries/find-job-by-uid.ts';
import { startPostgres } from '../support/postgres.ts';

const JOB = '7b0c9c1e-0f0a-4c53-9d3a-5f8f0f0f0f0f';

/** A database as the first version left it, with an account that has a key and a job that runs. */
async function makeFirstVersion(url: string, hash: Buffer): Promise<void> {
  const db = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool: new Pool({ connectionString: url }) }) });
  const up = async () => {
    for (const text of GROUND) await sql.raw(text).execute(db);
  };
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ '0001-ground': { up } }) } });
  expect((await migrator.migrateToLatest()).error).toBeUndefined();
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
