import type { Db, Tx } from '../store.ts';
import { type DatasetName, lockWaitingDataset } from './lock-waiting-dataset.ts';

export interface Announcement {
  /** Bytes by file name; a name that was announced before gets its new size. */
  readonly sizes: Readonly<Record<string, number>>;
  /** All files of the dataset together. */
  readonly limitBytes: number;
  /** May refuse while nothing else is added to the account. */
  readonly check: (tx: Tx) => Promise<void>;
}

/** Notes which files a dataset is going to have: it can't be closed without them. */
export const announceFiles = (
  db: Db,
  { accountId, id }: DatasetName,
  { sizes, limitBytes, check }: Announcement,
): Promise<'announced' | 'not-waiting' | 'too-large'> =>
  db.transaction().execute(async (tx) => {
    const dataset = await lockWaitingDataset(tx, { accountId, id });
    if (dataset === undefined) return 'not-waiting';
    const announced = { ...dataset.announced, ...sizes };
    if (Object.values(announced).reduce((sum, bytes) => sum + bytes, 0) > limitBytes) return 'too-large';
    await tx.updateTable('dataset').set({ announced }).where('accountId', '=', accountId).where('id', '=', id).execute();
    await check(tx);
    return 'announced';
  });
