/** Which entries of a part object are true. */
import { Problem } from '../base/problem.ts';
import type { EntryTable } from './entry-table.ts';
import { hasPosition, type Ranges } from './ranges.ts';

/** What one commit made true of a part object. */
export interface CommittedShare {
  readonly shard: number;
  readonly epoch: number;
  /** Planned positions. */
  readonly rows: Ranges;
}

/** Where in the table the entries are that these commits made true. The object may hold others: of leases that were lost before the commit, even of the same position under an older epoch. */
export function* committedEntries(
  table: EntryTable,
  { objectKey, shares }: { readonly objectKey: string; readonly shares: readonly CommittedShare[] },
): Generator<number> {
  const { validBytes, bytes } = table;
  if (validBytes !== bytes.length) {
    throw new Problem('DATA_LOSS', `Part ${objectKey} is damaged at byte ${validBytes} of ${bytes.length}.`, {
      reason: 'PART_CORRUPT',
    });
  }
  const byShard = Map.groupBy(shares, ({ shard }) => shard);
  for (let place = 0; place < table.count; place++) {
    const epoch = table.epoch(place);
    const isTrue = byShard
      .get(table.shard(place))
      ?.some((share) => share.epoch === epoch && hasPosition(share.rows, table.position(place)));
    if (isTrue === true) yield place;
  }
}
