import type { Insertable } from 'kysely';
import type { ApiKey, Schema } from '../schema.ts';
import type { Db } from '../store.ts';

export type NewApiKey = Readonly<Omit<Insertable<Schema['apiKey']>, 'lastUsedAt'>>;

export const insertApiKey = (db: Db, key: NewApiKey): Promise<ApiKey> =>
  db.insertInto('apiKey').values(key).returningAll().executeTakeFirstOrThrow();
