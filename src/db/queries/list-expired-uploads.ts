import type { Upload } from '../schema.ts';
import type { Db } from '../store.ts';

/** Uploads of all accounts that are over, the first ones first. */
export const listExpiredUploads = (db: Db, now: Date, limit: number): Promise<readonly Pick<Upload, 'accountId' | 'id'>[]> =>
  db.selectFrom('upload').select(['accountId', 'id']).where('expiresAt', '<=', now).orderBy('expiresAt').limit(limit).execute();
