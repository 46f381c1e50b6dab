import { sql } from 'kysely';
import type { UploadPart } from '../schema.ts';
import type { Db } from '../store.ts';

/** What all parts of an upload may be together. */
export interface MostParts {
  readonly parts: number;
  readonly bytes: number;
}

/** Adds a part that has come, unless the upload doesn't wait for any more or all its parts together would be more than they may be. */
export const insertUploadPart = (db: Db, part: UploadPart, most: MostParts): Promise<'added' | 'not-waiting' | 'too-much'> =>
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
      .select(({ fn }) => [sql<number>`coalesce(sum(bytes), 0)::bigint`.as('bytes'), fn.countAll<number>().as('count')])
      .where('accountId', '=', accountId)
      .where('uploadId', '=', uploadId)
      .executeTakeFirstOrThrow();
    if (parts.count >= most.parts || parts.bytes + bytes > most.bytes) return 'too-much';
    await tx.insertInto('uploadPart').values(part).execute();
    return 'added';
  });
