import { sql } from 'kysely';
import type { Db } from '../store.ts';
import { LEFT_TABLES, MOVED_TABLES } from './moved-tables.ts';

/** Takes the rows of one table, each a line of JSON with PostgreSQL's own names and forms, which it reads back exactly. */
export type TakeTable = (table: string, lines: AsyncIterable<string>) => Promise<void>;

const ROWS_AT_ONCE = 500;

/** Gives away all tables that move, as they were at one instant. */
export async function readTables(db: Db, take: TakeTable): Promise<void> {
  const snapshot = db.withoutPlugins().transaction().setIsolationLevel('repeatable read');
  await snapshot.execute(async (tx) => {
    await sql`set transaction read only`.execute(tx);
    await sql`set local timezone to 'UTC'`.execute(tx);
    await sql`set local bytea_output to 'hex'`.execute(tx);
    await expectDecided(tx);
    for (const table of MOVED_TABLES) await take(table, readRows(tx, table));
  });
}

async function* readRows(tx: Db, table: string): AsyncGenerator<string> {
  await sql`declare moved no scroll cursor for select row_to_json(moving)::text as line from ${sql.id(table)} as moving`.execute(
    tx,
  );
  for (;;) {
    const { rows } = await sql<{ readonly line: string }>`fetch ${sql.lit(ROWS_AT_ONCE)} from moved`.execute(tx);
    for (const { line } of rows) yield line;
    if (rows.length < ROWS_AT_ONCE) break;
  }
  await sql`close moved`.execute(tx);
}

/** A table that nobody has decided about would be lost without a word. */
async function expectDecided(tx: Db): Promise<void> {
  const names = await listTables(tx);
  const undecided = names.filter((name) => !MOVED_TABLES.includes(name) && !(name in LEFT_TABLES));
  if (undecided.length > 0) throw new Error(`Nobody has decided whether these tables move: ${undecided.join(', ')}`);
}

/** The tables of this version. */
export async function listTables(db: Db): Promise<readonly string[]> {
  const { rows } = await sql<{ readonly name: string }>`
    select tablename as name from pg_tables where schemaname = current_schema() order by tablename
  `.execute(db);
  return rows.map(({ name }) => name);
}
