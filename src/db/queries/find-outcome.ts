import type { Outcome } from '../../jobs/states.ts';
import type { Db } from '../store.ts';

/** How a job will end, or has ended; undefined while that is open. */
export const findOutcome = async (db: Db, uid: string): Promise<Outcome | undefined> =>
  (await db.selectFrom('job').select('outcome').where('uid', '=', uid).executeTakeFirst())?.outcome ?? undefined;
