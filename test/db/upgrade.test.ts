import { Kysely, PostgresDialect, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { Pool } from 'pg';
import { expect, test } from 'vitest';
import { GROUND } from '../../src/db/migrations/0001-ground.ts';
import { openStore } from '../../src/db/open-store.ts';
import { findApiKey } from '../../src/db/queries/find-api-key.ts';
import { startPostgres } from '../support/postgres.ts';

/** A database as the first version left it, with an account that has a key. */
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
  await db.destroy();
}

test("the first version's keys go on working, as those of the account's first admin", async () => {
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
    await store.close();
  } finally {
    await server.stop();
  }
});
