import type { Db } from '../store.ts';

/** Forgets what was reported of engines by processes that have been silent since then: they are gone. */
export const deleteSilentReports = (db: Db, since: Date): Promise<unknown> =>
  db.deleteFrom('engineReport').where('at', '<', since).execute();
