import type { Engine } from '../schema.ts';
import type { Db } from '../store.ts';

/** The engines of all accounts, in steady order: what a process looks at again and again. */
export const listAllEngines = (db: Db): Promise<readonly Engine[]> =>
  db.selectFrom('engine').selectAll().orderBy('accountId').orderBy('id').execute();
