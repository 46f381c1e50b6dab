/** Reads entries back, as objects: where there are few of them. */
import { EntryTable } from './entry-table.ts';
import type { PartEntry } from './part-entries.ts';

/** Everything up to the first torn or corrupt entry, which starts at `validBytes`. The lines are views of the bytes. */
export function decodeEntries(bytes: Buffer): { readonly entries: PartEntry[]; readonly validBytes: number } {
  const table = new EntryTable(bytes);
  return { entries: Array.from({ length: table.count }, (_, place) => table.entry(place)), validBytes: table.validBytes };
}
