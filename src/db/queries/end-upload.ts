import type { Upload } from '../schema.ts';
import type { Db } from '../store.ts';

/** How an upload ends. */
export type UploadEnd = { readonly state: 'cancelled' } | { readonly state: 'completed'; readonly datasetId: string };

/** Ends an upload that still takes parts; undefined when it doesn't any more. */
export const endUpload = (
  db: Db,
  { accountId, id }: Pick<Upload, 'accountId' | 'id'>,
  { now, ...end }: UploadEnd & { readonly now: Date },
): Promise<Upload | undefined> =>
  db
    .updateTable('upload')
    .set(end)
    .where('accountId', '=', accountId)
    .where('id', '=', id)
    .where('state', '=', 'pending')
    .where('expiresAt', '>', now)
    .returningAll()
    .executeTakeFirst();
