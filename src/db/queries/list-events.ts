import type { JobEvent } from '../schema.ts';
import type { Db } from '../store.ts';

const MOST_EVENTS = 1_000;

/** A job's timeline, oldest first; of a very long one its latest part. */
export async function listEvents(db: Db, jobUid: string): Promise<readonly JobEvent[]> {
  const latest = await db
    .selectFrom('event')
    .selectAll()
    .where('jobUid', '=', jobUid)
    .orderBy('id', 'desc')
    .limit(MOST_EVENTS)
    .execute();
  return latest.toReversed();
}
