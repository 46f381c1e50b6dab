import type { Insertable } from 'kysely';
import type { Schema } from '../schema.ts';
import type { Db } from '../store.ts';

export type NewApiKey = Readonly<Omit<Insertable<Schema['apiKey']>, 'lastUsedAt'>>;

export async function insertApiKey(db: Db, key: NewApiKey): Promise<void> {
  await db.insertInto('apiKey').values(key).execute();
}
