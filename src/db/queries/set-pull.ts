import { sql } from 'kysely';
import type { ModelPull } from '../schema.ts';
import type { Db } from '../store.ts';

/** Notes how the fetching of a model goes. False when there is no such model any more, or when it is fetched by somebody else. */
export async function setPull(db: Db, uid: string, pull: ModelPull): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('model')
    .set({ pull: JSON.stringify(pull) as never }) // The driver sends JSON as text.
    .where('uid', '=', uid)
    .$if(pull.holder !== undefined, (update) => update.where(sql<boolean>`pull->>'holder' = ${pull.holder}`))
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
