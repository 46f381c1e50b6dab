import { sql } from 'kysely';
import type { Model } from '../schema.ts';
import type { Db } from '../store.ts';

/** Models whose files are being fetched, or were when their process ended. */
export const listPulls = (db: Db): Promise<readonly Model[]> =>
  db
    .selectFrom('model')
    .selectAll()
    .where('state', '=', 'UPLOADING')
    .where(sql<boolean>`pull ->> 'state' in ('PULLING', 'CHECKING')`)
    .execute();
