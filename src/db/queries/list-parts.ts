import { parseRanges, type Ranges } from '../../jobs/ranges.ts';
import type { Db } from '../store.ts';

/** What one commit made true of one part object. */
export interface StoredPart {
  readonly objectKey: string;
  readonly shard: number;
  readonly epoch: number;
  /** Planned positions, those that failed included. */
  readonly rows: Ranges;
  readonly failedRows: Ranges;
  /** Bytes of its result lines. */
  readonly bytes: number;
}

/**
 * A job's committed parts, in the order of their commits. Several may share an object. An object may hold entries that no part names: of leases
 * that were lost before the commit, even of the same position under an older epoch.
 */
export async function listParts(db: Db, jobUid: string): Promise<readonly StoredPart[]> {
  const parts = await db
    .selectFrom('part')
    .select(['objectKey', 'shard', 'epoch', 'rows', 'failedRows', 'bytes'])
    .where('jobUid', '=', jobUid)
    .orderBy('id')
    .execute();
  return parts.map((part) => ({ ...part, rows: parseRanges(part.rows), failedRows: parseRanges(part.failedRows) }));
}
