import type { Job } from '../../jobs/job.ts';
import type { Db } from '../store.ts';
import { readPartPages } from './list-parts.ts';

/** What became of a planned row. */
export const UNFINISHED = 0;
export const ANSWERED = 1;
export const FAILED = 2;

/** By position of the plan, in a byte each: as the committed parts say. */
export async function readFates(db: Db, { uid, totalRows }: Pick<Job, 'uid' | 'totalRows'>): Promise<Uint8Array> {
  const fates = new Uint8Array(totalRows ?? 0);
  for await (const parts of readPartPages(db, uid))
    for (const { rows, failedRows } of parts) {
      for (const [first, end] of rows) fates.fill(ANSWERED, first, end);
      for (const [first, end] of failedRows) fates.fill(FAILED, first, end);
    }
  return fates;
}
