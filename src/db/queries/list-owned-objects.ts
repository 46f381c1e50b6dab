import { sql } from 'kysely';
import type { Db } from '../store.ts';

/** Those of the keys that a dataset's file has. */
export async function listOwnedObjects(db: Db, keys: readonly string[]): Promise<ReadonlySet<string>> {
  const files = await db
    .selectFrom('datasetFile')
    .select('objectKey')
    .where(sql<boolean>`object_key = any (${sql.val(keys)}::text[])`)
    .execute();
  return new Set(files.map(({ objectKey }) => objectKey));
}
