import { parseRanges, type Ranges } from '../../jobs/ranges.ts';
import type { Db } from '../store.ts';

/** An object of committed results and which of its rows count. */
export interface StoredPart {
  readonly objectKey: string;
  /** Planned positions, those that failed included. */
  readonly rows: Ranges;
  readonly failedRows: Ranges;
}

/** A job's part objects in the order in which they were committed. Rows of an object that are not named here were refused at their commit. */
export async function listParts(db: Db, jobUid: string): Promise<readonly StoredPart[]> {
  const claims = await db
    .selectFrom('part')
    .select(['objectKey', 'rows', 'failedRows'])
    .where('jobUid', '=', jobUid)
    .orderBy('id')
    .execute();
  const byObject = Map.groupBy(claims, ({ objectKey }) => objectKey);
  return Array.from(byObject, ([objectKey, shares]) => ({
    objectKey,
    rows: union(shares.map(({ rows }) => rows)),
    failedRows: union(shares.map(({ failedRows }) => failedRows)),
  }));
}

/** Claims never overlap, so their ranges only need sorting. */
const union = (texts: readonly string[]): Ranges => texts.flatMap(parseRanges).sort(([a], [b]) => a - b);
