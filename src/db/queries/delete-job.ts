import type { Db } from '../store.ts';

/** Removes a job with its shards, parts and events; tasks of it that are still in the queue are dropped when somebody takes them. False when there was none. */
export async function deleteJob(db: Db, uid: string): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('job').where('uid', '=', uid).executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}
