import type { Db } from '../store.ts';

/** Forgets the replies that nobody gets again. */
export async function deleteExpiredReplies(db: Db, now: Date): Promise<void> {
  await db.deleteFrom('keptReply').where('expiresAt', '<=', now).execute();
}
