/** Brings a database to the tables that this version needs. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { Problem } from '../../base/problem.ts';
import type { Db } from '../store.ts';
import { MIGRATIONS } from './migrations.ts';

/** Runs what has not run yet, all or nothing. Several processes may call it at once: one works, the others wait. */
export async function migrate(db: Db): Promise<void> {
  const age = await ageOfTables(db);
  if (age === 'newer') throw tablesTooNew();
  if (age === 'current') return;
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

/** Refuses tables of another version: what writes into them must know them. */
export async function expectTables(db: Db): Promise<void> {
  const age = await ageOfTables(db);
  if (age === 'newer') throw tablesTooNew();
  if (age === 'older')
    throw new Problem(
      'FAILED_PRECONDITION',
      'The database has no tables of this version yet. Bring it up to date, once for all processes: boatload migrate',
      { reason: 'DATABASE_TOO_OLD' },
    );
}

/** The tables as this version sees them. Asks in two small statements: the migrator reads the whole catalogue, which costs an embedded database half a second (November 2026). */
export async function ageOfTables(db: Db): Promise<'older' | 'current' | 'newer'> {
  const { rows: tables } = await sql`select 1 from pg_class where oid = to_regclass('kysely_migration')`.execute(db);
  if (tables.length === 0) return 'older';
  const { rows: applied } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
  const names = new Set(applied.map(({ name }) => name));
  if ([...names].some((name) => !(name in MIGRATIONS))) return 'newer';
  return names.size === Object.keys(MIGRATIONS).length ? 'current' : 'older';
}

const tablesTooNew = (): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    'A newer version of Boatload has changed the tables of this database. Run that version here, too.',
    { reason: 'DATABASE_TOO_NEW' },
  );

/** Changes whenever a migration does: part of the name of a prepared data directory. */
export const hashMigrations = (): string => createHash('sha256').update(JSON.stringify(MIGRATIONS)).digest('hex').slice(0, 12);

const toMigration = (texts: readonly string[]): Migration => ({
  async up(db) {
    for (const text of texts) await sql.raw(text).execute(db);
  },
});
