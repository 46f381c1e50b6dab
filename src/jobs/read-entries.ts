/** Reads entries back, as objects: where there are few of them. */
import { Problem } from '../base/problem.ts';
import { EntryTable } from './entry-table.ts';
import { AT, ENTRY_HEADER_BYTES, type PartEntry } from './part-entries.ts';

/** Everything up to the first torn or corrupt entry, which starts at `validBytes`. The lines are views of the bytes. */
export function decodeEntries(bytes: Buffer): { readonly entries: PartEntry[]; readonly validBytes: number } {
  const table = new EntryTable(bytes);
  return { entries: Array.from({ length: table.count }, (_, place) => table.entry(place)), validBytes: table.validBytes };
}

/** Streams a part that must be whole: a bad entry is a `Problem` DATA_LOSS with reason `PART_CORRUPT`. */
export async function* readEntries(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<PartEntry> {
  const pieces: Buffer[] = [];
  let held = 0;
  let wanted = ENTRY_HEADER_BYTES;
  let offset = 0;
  for await (const chunk of chunks) {
    pieces.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    held += chunk.byteLength;
    if (held < wanted) continue;
    const bytes = Buffer.concat(pieces.splice(0));
    const { entries, validBytes } = decodeEntries(bytes);
    yield* entries;
    const rest = bytes.subarray(validBytes);
    pieces.push(rest);
    held = rest.length;
    offset += validBytes;
    wanted = wantedBytes(rest);
    if (held >= wanted) throw corrupt(offset);
  }
  if (held > 0) throw corrupt(offset);
}

/** How many bytes the entry that begins here takes, as far as can be told. */
const wantedBytes = (bytes: Buffer): number =>
  bytes.length < ENTRY_HEADER_BYTES ? ENTRY_HEADER_BYTES : ENTRY_HEADER_BYTES + bytes.readUInt32LE(AT.lineBytes);

const corrupt = (offset: number): Problem =>
  new Problem(
    'DATA_LOSS',
    `A part of the results is damaged at byte ${offset}: the entry there is torn or its check sum is wrong.`,
    {
      reason: 'PART_CORRUPT',
      details: { offset },
    },
  );
