import type { Db } from '../store.ts';

/** How many engines an account has. */
export async function countEngines(db: Db, accountId: string): Promise<number> {
  const { count } = await db
    .selectFrom('engine')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('accountId', '=', accountId)
    .executeTakeFirstOrThrow();
  return count;
}
