import { deleteUploadParts } from '../db/queries/delete-upload-parts.ts';
import { endUpload } from '../db/queries/end-upload.ts';
import type { Upload } from '../db/schema.ts';
import type { Caller, Context } from './context.ts';
import { getUpload, uploadOver, uploadStatusAt } from './get-upload.ts';

/** Ends an upload that is not to become a file; asking again is harmless. */
export async function cancelUpload(context: Context, caller: Caller, id: string): Promise<Upload> {
  const { store, objects, clock } = context;
  const now = clock.now();
  await endUpload(store.db, { accountId: caller.accountId, id }, { state: 'cancelled', now });
  const upload = await getUpload(context, caller, id);
  const status = uploadStatusAt(upload, now);
  if (status === 'completed' || status === 'expired') throw uploadOver(id, status);
  await objects.delete(await deleteUploadParts(store.db, upload));
  return upload;
}
