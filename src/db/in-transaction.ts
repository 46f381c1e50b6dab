import type { Db, Tx } from './store.ts';

/** Runs several statements as one: in the caller's transaction if there is one, else in its own. */
export const inTransaction = <Result>(db: Db, run: (tx: Tx) => Promise<Result>): Promise<Result> =>
  isTransaction(db) ? run(db) : db.transaction().execute(run);

const isTransaction = (db: Db): db is Tx => db.isTransaction;
