/**
 * An import under way is marked where versions are noted: to every process of any version the database is then one that it can't use, so that nobody works
 * on half an import, and no sweep deletes objects whose rows are still to come. The mark goes in the transaction that brings the rows.
 */
import { sql } from 'kysely';
import { Problem } from '../../base/problem.ts';
import { IMPORT_MARK, listNoted, migrate } from '../migrations/migrate.ts';
import type { Db } from '../store.ts';
import { listTables } from './read-tables.ts';

/** Which import, and whether the object store was found empty. */
export interface ImportBeginning {
  readonly id: string;
  readonly storeIsEmpty: boolean;
}

/** Marks an empty place, or one where the same import was cut short; refuses any other. */
export async function beginImport(db: Db, { id, storeIsEmpty }: ImportBeginning): Promise<void> {
  const mark = `${IMPORT_MARK}${id}`;
  const before = (await listNoted(db)).find((name) => name.startsWith(IMPORT_MARK));
  if (before !== undefined && before !== mark) throw otherImport();
  // The tables may be of an older version, in which it began.
  await removeMark(db);
  await migrate(db);
  if (before === undefined) await expectEmpty(db, storeIsEmpty);
  await sql`insert into public.kysely_migration values (${mark}, ${new Date().toISOString()})`.execute(db);
}

/** With it goes what keeps everybody away. */
export async function removeMark(db: Db): Promise<void> {
  const marks = (await listNoted(db)).filter((name) => name.startsWith(IMPORT_MARK));
  for (const name of marks) await sql`delete from public.kysely_migration where name = ${name}`.execute(db);
}

async function expectEmpty(db: Db, storeIsEmpty: boolean): Promise<void> {
  for (const table of await listTables(db)) {
    const { rows } = await sql`select 1 from ${sql.id(table)} limit 1`.execute(db);
    if (rows.length > 0) throw notEmpty('database', `there are rows in "${table}"`);
  }
  if (!storeIsEmpty) throw notEmpty('object store', 'there are objects in it');
}

const notEmpty = (place: string, found: string): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `An import needs an empty place, but the ${place} is not: ${found}. Nothing was changed. Name a new database and a new bucket, or a new folder.`,
    { reason: 'PLACE_NOT_EMPTY' },
  );

const otherImport = (): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    'The import of another archive was cut short in this place. Repeat that one, or name a new database and a new bucket, or a new folder.',
    { reason: 'OTHER_IMPORT_UNDER_WAY' },
  );
