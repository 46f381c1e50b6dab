import { sql } from 'kysely';
import type { Model } from '../schema.ts';
import type { Db } from '../store.ts';

/** Models that wait for files that are fetched, or that could not be and may be asked for again. */
export const listPulls = (db: Db): Promise<readonly Model[]> =>
  db.selectFrom('model').selectAll().where(sql<boolean>`pull->>'state' <> 'DONE'`).orderBy('createdAt').execute();
