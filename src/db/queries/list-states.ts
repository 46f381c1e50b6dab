import type { JobState } from '../../jobs/states.ts';
import type { Db } from '../store.ts';

/** The states of these jobs, by uid; a job that is gone is left out. */
export async function listStates(db: Db, jobUids: readonly string[]): Promise<ReadonlyMap<string, JobState>> {
  if (jobUids.length === 0) return new Map();
  const jobs = await db.selectFrom('job').select(['uid', 'state']).where('uid', 'in', jobUids).execute();
  return new Map(jobs.map(({ uid, state }) => [uid, state]));
}
