import type { EngineReport } from '../schema.ts';
import type { Db } from '../store.ts';

/** What processes have said of an account's engines since then. */
export const listEngineReports = (db: Db, accountId: string, since: Date): Promise<readonly EngineReport[]> =>
  db
    .selectFrom('engineReport')
    .selectAll()
    .where('accountId', '=', accountId)
    .where('at', '>', since)
    .orderBy('engineId')
    .orderBy('process')
    .execute();
