/** Which entries of a part object are true. */
import { Problem } from '../base/problem.ts';
import type { EntryTable } from './entry-table.ts';
import { countPositions, hasPosition, type Ranges } from './ranges.ts';

/** What one commit made true of a part object. */
export interface CommittedShare {
  readonly shard: number;
  readonly epoch: number;
  /** Planned positions. */
  readonly rows: Ranges;
}

/**
 * Where in the table the entries are that these commits made true. The object may hold others: of leases that were lost before the commit, even of the same
 * position under an older epoch. Throws at the end where they are not as many as were committed: a part that was cut between two entries looks whole.
 */
export function* committedEntries(
  table: EntryTable,
  { objectKey, shares }: { readonly objectKey: string; readonly shares: readonly CommittedShare[] },
): Generator<number> {
  const { validBytes, bytes } = table;
  if (validBytes !== bytes.length) throw corrupt(`Part ${objectKey} is damaged at byte ${validBytes} of ${bytes.length}.`);
  let missing = shares.reduce((sum, { rows }) => sum + countPositions(rows), 0);
  const byShard = Map.groupBy(shares, ({ shard }) => shard);
  for (let place = 0; place < table.count; place++) {
    const epoch = table.epoch(place);
    const isTrue = byShard
      .get(table.shard(place))
      ?.some((share) => share.epoch === epoch && hasPosition(share.rows, table.position(place)));
    if (isTrue !== true) continue;
    missing -= 1;
    yield place;
  }
  if (missing !== 0)
    throw corrupt(
      `Part ${objectKey} should hold each row that was committed in it once; ${Math.abs(missing)} are ${missing > 0 ? 'missing' : 'too many'}.`,
    );
}

const corrupt = (words: string): Problem =>
  new Problem('DATA_LOSS', `${words} Restore it from a copy of the object store, or continue the job anew.`, {
    reason: 'PART_CORRUPT',
  });
