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

const PAGE = 500;

/**
 * A job's committed parts, in the order of their commits. Several may share an object. An object may hold entries that no part names: of leases
 * that were lost before the commit, even of the same position under an older epoch.
 *
 * They come some at a time: where many rows were in flight, what all parts name takes tens of bytes for each row of the job.
 */
export async function* readPartPages(db: Db, jobUid: string): AsyncGenerator<readonly StoredPart[]> {
  let last = 0;
  for (;;) {
    const parts = await db
      .selectFrom('part')
      .select(['id', 'objectKey', 'shard', 'epoch', 'rows', 'failedRows', 'bytes'])
      .where('jobUid', '=', jobUid)
      .where('id', '>', last)
      .orderBy('id')
      .limit(PAGE)
      .execute();
    if (parts.length > 0) yield parts.map(({ id: _, ...part }) => withRanges(part));
    if (parts.length < PAGE) return;
    last = parts.at(-1)?.id ?? last;
  }
}

/** A row of the table with its sets read. */
export const withRanges = <Row extends { readonly rows: string; readonly failedRows: string }>(row: Row) => ({
  ...row,
  rows: parseRanges(row.rows),
  failedRows: parseRanges(row.failedRows),
});

/** Bytes of all result lines. */
export async function sumPartBytes(db: Db, jobUid: string): Promise<number> {
  const { bytes } = await db
    .selectFrom('part')
    .select((eb) => eb.fn.coalesce(eb.fn.sum('bytes'), eb.lit(0)).as('bytes'))
    .where('jobUid', '=', jobUid)
    .executeTakeFirstOrThrow();
  return Number(bytes);
}
