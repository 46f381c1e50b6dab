/** Which entries of a part object are true. */
import { Problem } from '../base/problem.ts';
import { decodeEntries, type PartEntry } from './part-entries.ts';
import { hasPosition, type Ranges } from './ranges.ts';

/** What one commit made true of a part object. */
export interface CommittedShare {
  readonly shard: number;
  readonly epoch: number;
  /** Planned positions. */
  readonly rows: Ranges;
}

/** The entries that these commits made true. The object may hold others: of leases that were lost before the commit, even of the same position under an older epoch. */
export function* committedEntries(
  bytes: Buffer,
  { objectKey, shares }: { readonly objectKey: string; readonly shares: readonly CommittedShare[] },
): Generator<PartEntry> {
  const { entries, validBytes } = decodeEntries(bytes);
  if (validBytes !== bytes.length) {
    throw new Problem('DATA_LOSS', `Part ${objectKey} is damaged at byte ${validBytes} of ${bytes.length}.`, {
      reason: 'PART_CORRUPT',
    });
  }
  const byLease = new Map(shares.map(({ shard, epoch, rows }) => [`${shard}/${epoch}`, rows]));
  for (const entry of entries) {
    const rows = byLease.get(`${entry.shard}/${entry.epoch}`);
    if (rows !== undefined && hasPosition(rows, entry.position)) yield entry;
  }
}
