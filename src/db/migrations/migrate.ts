/** Brings a database to the tables that this version needs. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import type { Db } from '../store.ts';
import { MIGRATIONS } from './migrations.ts';

/** Runs what has not run yet, all or nothing. Several processes may call it at once: one works, the others wait. */
export async function migrate(db: Db): Promise<void> {
  if (await isUpToDate(db)) return;
  const migrator = new Migrator({
    db: db.withoutPlugins(),
    provider: {
      getMigrations: async () =>
        Object.fromEntries(Object.entries(MIGRATIONS).map(([name, texts]) => [name, toMigration(texts)])),
    },
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

/** Asks in two small statements: the migrator reads the whole catalogue, which costs an embedded database half a second (November 2026). */
async function isUpToDate(db: Db): Promise<boolean> {
  const { rows: tables } = await sql`select 1 from pg_class where oid = to_regclass('kysely_migration')`.execute(db);
  if (tables.length === 0) return false;
  const { rows: applied } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
  const names = new Set(applied.map(({ name }) => name));
  return names.size === Object.keys(MIGRATIONS).length && Object.keys(MIGRATIONS).every((name) => names.has(name));
}

/** Changes whenever a migration does: part of the name of a prepared data directory. */
export const hashMigrations = (): string => createHash('sha256').update(JSON.stringify(MIGRATIONS)).digest('hex').slice(0, 12);

const toMigration = (texts: readonly string[]): Migration => ({
  async up(db) {
    for (const text of texts) await sql.raw(text).execute(db);
  },
});
