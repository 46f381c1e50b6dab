import type { Model } from '../schema.ts';
import type { Db } from '../store.ts';

/** Models that wait for files that are fetched, or that could not be and may be asked for again. */
export const listPulls = (db: Db): Promise<readonly Model[]> =>
  db.selectFrom('model').selectAll().where('state', '=', 'UPLOADING').where('pull', 'is not', null).execute();
