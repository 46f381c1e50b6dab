import type { Db } from '../store.ts';

/** Removes a model and the rows of its files, not their objects. */
export async function deleteModel(db: Db, uid: string): Promise<void> {
  await db.deleteFrom('model').where('uid', '=', uid).execute();
}
