import type { Db } from '../store.ts';
import { type StoredPart, withRanges } from './list-parts.ts';

/** A part that has its place in the reading order. */
export interface NumberedPart extends StoredPart {
  readonly readingOrder: number;
}

/** A job's parts behind a place of the reading order, in that order. */
export async function listNumberedParts(db: Db, jobUid: string, after = 0): Promise<readonly NumberedPart[]> {
  const parts = await db
    .selectFrom('part')
    .select(['objectKey', 'shard', 'epoch', 'rows', 'failedRows', 'bytes', 'readingOrder'])
    .where('jobUid', '=', jobUid)
    .where('readingOrder', '>', after)
    .orderBy('readingOrder')
    .$narrowType<{ readingOrder: number }>()
    .execute();
  return parts.map(withRanges);
}
