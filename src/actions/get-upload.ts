/** Uploads: files that come in by parts, each of which is sent again alone when it breaks off. */
import { Problem } from '../base/problem.ts';
import { findUpload } from '../db/queries/find-upload.ts';
import type { Upload } from '../db/schema.ts';
import type { Caller, Context } from './context.ts';

/** Finds one of the caller's uploads. */
export async function getUpload({ store }: Context, { accountId }: Caller, id: string): Promise<Upload> {
  const upload = await findUpload(store.db, accountId, id);
  if (upload !== undefined) return upload;
  throw new Problem(
    'NOT_FOUND',
    `No such Upload object: ${id.slice(0, 100)}. Uploads are forgotten an hour after they were begun.`,
    {
      reason: 'UPLOAD_NOT_FOUND',
      details: { field: 'upload_id' },
    },
  );
}

/** Where it stands at a moment. */
export const uploadStatusAt = ({ state, expiresAt }: Upload, now: Date): Upload['state'] | 'expired' =>
  state === 'pending' && expiresAt <= now ? 'expired' : state;

/** Refuses an upload that takes no parts any more. */
export function demandPending({ clock }: Context, upload: Upload): void {
  const status = uploadStatusAt(upload, clock.now());
  if (status !== 'pending') throw uploadOver(upload.id, status);
}

/** It takes nothing any more. */
export const uploadOver = (id: string, status: Exclude<ReturnType<typeof uploadStatusAt>, 'pending'>): Problem =>
  new Problem('FAILED_PRECONDITION', `${id} is ${status}: begin another upload.`, { reason: `UPLOAD_${status.toUpperCase()}` });
