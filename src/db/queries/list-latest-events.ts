import type { JobEvent } from '../schema.ts';
import type { Db } from '../store.ts';

/** Of each of these jobs its latest event of one of these kinds, by job uid. */
export async function listLatestEvents(
  db: Db,
  jobUids: readonly string[],
  kinds: readonly string[],
): Promise<ReadonlyMap<string, JobEvent>> {
  if (jobUids.length === 0) return new Map();
  const events = await db
    .selectFrom('event')
    .selectAll()
    .distinctOn('jobUid')
    .where('jobUid', 'in', jobUids)
    .where('kind', 'in', kinds)
    .orderBy('jobUid')
    .orderBy('id', 'desc')
    .execute();
  return new Map(events.map((event) => [event.jobUid, event]));
}
