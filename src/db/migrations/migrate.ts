/**
 * Brings a database to the tables that this version needs.
 *
 * The tables are in a PostgreSQL schema that is named by their version, and every connection's search path names the version of its program. A migration
 * renames the schema in its own transaction: from then on no statement of an older process finds a table, and none that was under way before can end later,
 * as the tables are locked (docs/decisions/0004). What has run is noted in `public`, where every version looks.
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { Problem } from '../../base/problem.ts';
import type { Db } from '../store.ts';
import { FUNCTIONS_IN_PUBLIC, TABLES_IN_PUBLIC } from './0009-own-schema.ts';
import { MIGRATIONS } from './migrations.ts';

type Migrations = typeof MIGRATIONS;

/** The schema of these migrations' tables. */
export const schemaOf = (migrations: Migrations = MIGRATIONS): string => nameOf(Object.keys(migrations));

const nameOf = (names: readonly string[]): string => `boatload_${names.toSorted().at(-1)?.slice(0, 4)}`;

/** Runs what has not run yet, all or nothing. Several processes may call it at once: one works, the others wait. The search path of `db` names the schema. */
export async function migrate(db: Db, migrations: Migrations = MIGRATIONS): Promise<void> {
  const age = await ageOfTables(db, migrations);
  if (age === 'newer') throw notOurs(await listApplied(db));
  if (age === 'current') return;
  for (let tries = 1; ; tries++) {
    try {
      return await db
        .withoutPlugins()
        .transaction()
        .execute((tx) => bringUp(tx, migrations));
    } catch (cause) {
      if (!isInTheWay(cause) || tries === TRIES) throw cause;
      await delay(AGAIN_MS);
    }
  }
}

/** Refuses tables of another version: what writes into them must know them. */
export async function expectTables(db: Db): Promise<void> {
  const age = await ageOfTables(db);
  if (age === 'newer') throw notOurs(await listApplied(db));
  if (age === 'older')
    throw new Problem(
      'FAILED_PRECONDITION',
      'The database has no tables of this version yet. Bring it up to date, once for all processes: boatload migrate',
      { reason: 'DATABASE_TOO_OLD' },
    );
}

/** The tables as this version sees them. */
export async function ageOfTables(db: Db, migrations: Migrations = MIGRATIONS): Promise<'older' | 'current' | 'newer'> {
  const applied = await listNoted(db);
  if (applied.some((name) => !(name in migrations))) return 'newer';
  return applied.length === Object.keys(migrations).length ? 'current' : 'older';
}

/** What is noted in the database; nothing in a new one. */
export async function listNoted(db: Db): Promise<readonly string[]> {
  const { rows: ledger } = await sql`select 1 from pg_class where oid = to_regclass('public.kysely_migration')`.execute(db);
  return ledger.length === 0 ? [] : listApplied(db);
}

/** So begins the note of an import that is under way: no version knows it, so none uses the tables (`moving/begin-import.ts`). */
export const IMPORT_MARK = 'import-';

/** Changes whenever a migration does: part of the name of a prepared data directory. */
export const hashMigrations = (): string => createHash('sha256').update(JSON.stringify(MIGRATIONS)).digest('hex').slice(0, 12);

/** Statements of other processes come first for so long; then the migration gives its locks back and tries again. */
const LOCK_MS = 2_000;
const AGAIN_MS = 250;
const TRIES = 100;

/** Keeps migrations apart; the number that versions before this one take. */
const ONE_AT_A_TIME = '3853314791062309107';

/** One try, in the caller's transaction. */
export async function bringUp(tx: Db, migrations: Migrations): Promise<void> {
  await sql`select pg_advisory_xact_lock(${ONE_AT_A_TIME}::bigint)`.execute(tx);
  await sql`
    create table if not exists public.kysely_migration (name varchar(255) primary key, timestamp varchar(255) not null)
  `.execute(tx);
  const applied = await listApplied(tx);
  if (applied.some((name) => !(name in migrations))) throw notOurs(applied);
  await takeTables(tx, { applied, to: schemaOf(migrations) });
  for (const name of Object.keys(migrations).toSorted()) {
    if (applied.includes(name)) continue;
    for (const text of migrations[name] ?? []) await sql.raw(text).execute(tx);
    await sql`insert into public.kysely_migration values (${name}, ${new Date().toISOString()})`.execute(tx);
  }
}

/** Waits for whatever works on the tables, and takes them to where only this version finds them. */
async function takeTables(tx: Db, { applied, to }: { readonly applied: readonly string[]; readonly to: string }): Promise<void> {
  await sql`select set_config('lock_timeout', ${String(LOCK_MS)}, true)`.execute(tx);
  const from = nameOf(applied);
  if (applied.length > 0 && (await hasSchema(tx, from))) {
    await lockAll(tx, from);
    if (from !== to) await sql`alter schema ${sql.id(from)} rename to ${sql.id(to)}`.execute(tx);
    return;
  }
  await sql`create schema ${sql.id(to)}`.execute(tx);
  if (applied.length > 0) await takeOutOfPublic(tx, to);
}

async function takeOutOfPublic(tx: Db, to: string): Promise<void> {
  for (const table of TABLES_IN_PUBLIC)
    await sql`alter table if exists public.${sql.id(table)} set schema ${sql.id(to)}`.execute(tx);
  for (const name of FUNCTIONS_IN_PUBLIC) {
    const { rows } = await sql`select 1 from pg_proc where oid = to_regproc(${`public.${name}`})`.execute(tx);
    if (rows.length > 0) await sql`alter function public.${sql.id(name)}() set schema ${sql.id(to)}`.execute(tx);
  }
}

async function lockAll(tx: Db, schema: string): Promise<void> {
  const { rows } = await sql<{ name: string }>`
    select tablename as name from pg_tables where schemaname = ${schema} order by tablename
  `.execute(tx);
  const tables = rows.map(({ name }) => sql.id(schema, name));
  await sql`lock table ${sql.join(tables)} in access exclusive mode`.execute(tx);
}

async function hasSchema(tx: Db, name: string): Promise<boolean> {
  const { rows } = await sql`select 1 from pg_namespace where nspname = ${name}`.execute(tx);
  return rows.length > 0;
}

async function listApplied(db: Db): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`select name from public.kysely_migration`.execute(db);
  return rows.map(({ name }) => name);
}

/** A lock that was waited for too long, or a deadlock: the others have gone on, and all of ours is undone. */
const isInTheWay = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && (cause.code === '55P03' || cause.code === '40P01');

const notOurs = (applied: readonly string[]): Problem =>
  applied.some((name) => name.startsWith(IMPORT_MARK)) ? importUnderWay() : tablesTooNew();

const importUnderWay = (): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    'An import into this place is under way, or was cut short. Wait for it, or repeat it: boatload import with the same archive.',
    { reason: 'IMPORT_UNDER_WAY' },
  );

const tablesTooNew = (): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    'A newer version of Boatload has changed the tables of this database. Run that version here, too.',
    { reason: 'DATABASE_TOO_NEW' },
  );
