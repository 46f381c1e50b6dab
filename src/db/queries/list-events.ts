import type { JobEvent } from '../schema.ts';
import type { Db } from '../store.ts';

/** A job's timeline, oldest first. */
export const listEvents = (db: Db, jobUid: string): Promise<readonly JobEvent[]> =>
  db.selectFrom('event').selectAll().where('jobUid', '=', jobUid).orderBy('id').execute();
