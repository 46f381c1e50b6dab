import type { Upload } from '../schema.ts';
import type { Db, Tx } from '../store.ts';
import { lockAccount } from './lock-account.ts';

/** Begins an upload; `check` may refuse it while nobody else adds to the account. */
export const insertUpload = (db: Db, upload: Upload, check: (tx: Tx) => Promise<void>): Promise<void> =>
  db.transaction().execute(async (tx) => {
    await lockAccount(tx, upload.accountId);
    await check(tx);
    await tx.insertInto('upload').values(upload).execute();
  });
