import { deleteUpload } from '../db/queries/delete-upload.ts';
import { listExpiredUploads } from '../db/queries/list-expired-uploads.ts';
import type { Context } from './context.ts';

const AT_ONCE = 100;

/** Upkeep: forgets uploads that are over, and deletes their parts. Answers how many there were. */
export async function dropOldUploads({ store, objects, clock }: Pick<Context, 'store' | 'objects' | 'clock'>): Promise<number> {
  const expired = await listExpiredUploads(store.db, clock.now(), AT_ONCE);
  for (const upload of expired) await objects.delete(await deleteUpload(store.db, upload));
  return expired.length;
}
