import { sql } from 'kysely';
import type { Db } from '../store.ts';

/** Those of the keys that a file of a dataset or of a model has, or a part of an upload. */
export async function listOwnedObjects(db: Db, keys: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ readonly objectKey: string }>`
    select object_key from dataset_file where object_key = any (${sql.val(keys)}::text[])
    union all
    select object_key from model_file where object_key = any (${sql.val(keys)}::text[])
    union all
    select object_key from upload_part where object_key = any (${sql.val(keys)}::text[])
  `.execute(db);
  return new Set(rows.map(({ objectKey }) => objectKey));
}
