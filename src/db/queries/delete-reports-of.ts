import type { Db } from '../store.ts';

/** Forgets what a process reported of engines: it ends. */
export const deleteReportsOf = (db: Db, process: string): Promise<unknown> =>
  db.deleteFrom('engineReport').where('process', '=', process).execute();
