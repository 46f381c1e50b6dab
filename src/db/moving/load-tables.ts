/** Brings the rows of an archive into an empty database, in one transaction: they are all there, at work, or none is. */
import { sql } from 'kysely';
import { bringUp, schemaOf } from '../migrations/migrate.ts';
import { MIGRATIONS } from '../migrations/migrations.ts';
import type { Store, Tx } from '../store.ts';
import { removeMark } from './begin-import.ts';
import { resumeJobs } from './resume-jobs.ts';

/** The rows of one table, as JSON arrays of moderate size. */
export interface LoadedTable {
  readonly name: string;
  readonly batches: AsyncIterable<string>;
}

export interface LoadedTables {
  /** Those that had run in the database that the rows are from. */
  readonly migrations: readonly string[];
  /** What a row refers to comes first. */
  readonly tables: readonly LoadedTable[];
}

/** Loads the rows into the tables of their own version and brings these up to date; unfinished jobs wait for workers then. */
export async function loadTables(
  { db, queue }: Pick<Store, 'db' | 'queue'>,
  { migrations, tables }: LoadedTables,
): Promise<void> {
  const theirs = Object.fromEntries(Object.entries(MIGRATIONS).filter(([name]) => migrations.includes(name)));
  const isOlder = Object.keys(theirs).length < Object.keys(MIGRATIONS).length;
  await db.transaction().execute(async (tx) => {
    const plain = tx.withoutPlugins();
    await removeMark(plain);
    if (isOlder) await makeOlderTables(plain, theirs);
    for (const table of tables) await loadTable(plain, table);
    if (isOlder) await bringUpToDate(plain);
    await resumeJobs(tx, queue);
  });
}

/** Instead of the empty ones of this version. */
async function makeOlderTables(tx: Tx, migrations: typeof MIGRATIONS): Promise<void> {
  await sql`drop schema ${sql.id(schemaOf())} cascade`.execute(tx);
  await sql`delete from public.kysely_migration`.execute(tx);
  await searchIn(tx, schemaOf(migrations));
  await bringUp(tx, migrations);
}

/** It takes the tables to the schema of this version first. */
async function bringUpToDate(tx: Tx): Promise<void> {
  await searchIn(tx, schemaOf());
  await bringUp(tx, MIGRATIONS);
}

const searchIn = (tx: Tx, schema: string): Promise<unknown> => sql`select set_config('search_path', ${schema}, true)`.execute(tx);

/** Triggers note what happens to rows; these have been through it. */
async function loadTable(tx: Tx, { name, batches }: LoadedTable): Promise<void> {
  const table = sql.id(name);
  await sql`alter table ${table} disable trigger user`.execute(tx);
  for await (const batch of batches)
    await sql`
      insert into ${table} overriding system value select * from json_populate_recordset(null::${table}, ${batch}::json)
    `.execute(tx);
  await sql`alter table ${table} enable trigger user`.execute(tx);
  await goOnCounting(tx, name);
}

/** Numbers that the database gives begin after those that came. */
async function goOnCounting(tx: Tx, name: string): Promise<void> {
  const { rows } = await sql<{ readonly column: string }>`
    select column_name as column from information_schema.columns
     where table_schema = current_schema() and table_name = ${name} and is_identity = 'YES'
  `.execute(tx);
  for (const { column } of rows)
    await sql`
      select setval(pg_get_serial_sequence(${name}, ${column}), coalesce(max(${sql.id(column)}), 0) + 1, false) from ${sql.id(name)}
    `.execute(tx);
}
