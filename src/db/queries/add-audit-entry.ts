import type { Insertable } from 'kysely';
import type { Schema } from '../schema.ts';
import type { Db } from '../store.ts';

export type NewAuditEntry = Readonly<Insertable<Schema['auditEntry']>>;

/** Notes who did what. */
export async function addAuditEntry(db: Db, entry: NewAuditEntry): Promise<void> {
  await db.insertInto('auditEntry').values(entry).execute();
}
