import type { Db } from '../store.ts';
import { ACTIVE_STATES } from './active-states.ts';

/** True when a job of any account that has not ended runs on the model. */
export async function modelInUse(db: Db, name: string): Promise<boolean> {
  const user = await db
    .selectFrom('job')
    .select('uid')
    .where((is) =>
      is.or([
        is('model', '=', name),
        is.exists(
          is.selectFrom('shard').select('index').whereRef('shard.jobUid', '=', 'job.uid').where('shard.model', '=', name),
        ),
      ]),
    )
    .where('state', 'in', ACTIVE_STATES)
    .limit(1)
    .executeTakeFirst();
  return user !== undefined;
}
