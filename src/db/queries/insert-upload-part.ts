import { sql } from 'kysely';
import type { UploadPart } from '../schema.ts';
import type { Db } from '../store.ts';

/** Adds a part that has come, unless the upload doesn't wait for any more or all its parts together would be larger than `mostBytes`. */
export const insertUploadPart = (db: Db, part: UploadPart, mostBytes: number): Promise<'added' | 'not-waiting' | 'too-much'> =>
  db.transaction().execute(async (tx) => {
    const { accountId, uploadId, bytes, createdAt } = part;
    const upload = await tx
      .selectFrom('upload')
      .select('id')
      .where('accountId', '=', accountId)
      .where('id', '=', uploadId)
      .where('state', '=', 'pending')
      .where('expiresAt', '>', createdAt)
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (upload === undefined) return 'not-waiting';
    const parts = await tx
      .selectFrom('uploadPart')
      .select(sql<number>`coalesce(sum(bytes), 0)::bigint`.as('bytes'))
      .where('accountId', '=', accountId)
      .where('uploadId', '=', uploadId)
      .executeTakeFirstOrThrow();
    if (parts.bytes + bytes > mostBytes) return 'too-much';
    await tx.insertInto('uploadPart').values(part).execute();
    return 'added';
  });
