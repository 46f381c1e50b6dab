/** Which entries of a part object are true. */
import { Problem } from '../base/problem.ts';
import type { EntryTable } from './entry-table.ts';
import { countPositions, type Ranges } from './ranges.ts';

/** What one commit made true of a part object. */
export interface CommittedShare {
  readonly shard: number;
  readonly epoch: number;
  /** Planned positions. */
  readonly rows: Ranges;
}

interface CommittedPart {
  readonly objectKey: string;
  readonly shares: readonly CommittedShare[];
}

/**
 * Where in the table the entries are that these commits made true. The object may hold others: of leases that were lost before the commit, even of the same
 * position under an older epoch. Throws where one comes a second time, and at the end where one is missing: a part that was cut between two entries looks
 * whole.
 */
export function* committedEntries(table: EntryTable, { objectKey, shares }: CommittedPart): Generator<number> {
  const { validBytes, bytes } = table;
  if (validBytes !== bytes.length) throw corrupt(`Part ${objectKey} is damaged at byte ${validBytes} of ${bytes.length}.`);
  let missing = shares.reduce((sum, { rows }) => sum + countPositions(rows), 0);
  const byShard = Map.groupBy(shares.map(markPositions), ({ shard }) => shard);
  for (let place = 0; place < table.count; place++) {
    const epoch = table.epoch(place);
    const position = table.position(place);
    const share = byShard.get(table.shard(place))?.find((one) => one.epoch === epoch && one.markOf(position) !== NOT_COMMITTED);
    if (share === undefined) continue;
    if (share.markOf(position) === TAKEN)
      throw corrupt(`Part ${objectKey} holds row ${table.row(place) + 1} of the input twice.`);
    share.take(position);
    missing -= 1;
    yield place;
  }
  if (missing !== 0) throw corrupt(`Part ${objectKey} should hold each row that was committed in it; ${missing} are missing.`);
}

const NOT_COMMITTED = 0;
const AWAITED = 1;
const TAKEN = 2;

/** A share with a mark for each of its positions; they lie close together, as they are of one shard. */
function markPositions({ shard, epoch, rows }: CommittedShare) {
  const first = rows[0]?.[0] ?? 0;
  const marks = new Uint8Array((rows.at(-1)?.[1] ?? first) - first);
  for (const [begin, end] of rows) marks.fill(AWAITED, begin - first, end - first);
  return {
    shard,
    epoch,
    markOf: (position: number): number => marks[position - first] ?? NOT_COMMITTED,
    take: (position: number): void => {
      marks[position - first] = TAKEN;
    },
  };
}

const corrupt = (words: string): Problem =>
  new Problem('DATA_LOSS', `${words} Restore it from a copy of the object store, or continue the job anew.`, {
    reason: 'PART_CORRUPT',
  });
