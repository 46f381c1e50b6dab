import { lineId } from '../jsonl/line-id.ts';
import { tokenText } from '../jsonl/string-token.ts';
import type { BadLines } from './bad-line.ts';
import type { Repeat } from './id-fingerprints.ts';
import type { LineNumbers } from './line-numbers.ts';
import type { RowIndex } from './row-index.ts';

/** Reads bytes of the input file. */
export type ReadAt = (offset: number, length: number) => Promise<Buffer>;

export interface DuplicateSearch {
  readonly rows: RowIndex;
  readonly lineNumbers: LineNumbers;
  readonly badLines: BadLines;
  readonly readAt: ReadAt;
  /** `line 3`, as a person finds it. */
  readonly nameRow: (row: number) => string;
  /** Told of every such row, and of the first one that has its id. */
  readonly onRepeat?: (row: number, earlier: number) => void;
}

/**
 * Adds a bad line for every row whose `custom_id` an earlier row has. As long as bad lines are kept, ids are compared by their real bytes; after
 * that they are only counted, and equal fingerprints (one accident in some billion billions) are enough.
 */
export async function findDuplicates(suspects: Iterable<Repeat>, search: DuplicateSearch): Promise<void> {
  const { badLines } = search;
  const strays = new Map<string, number>();
  for (const repeat of suspects) {
    if (badLines.hasRoom) {
      await judge(repeat, search, strays);
      continue;
    }
    badLines.count++;
    search.onRepeat?.(repeat.row, repeat.firstRow);
  }
}

/** `strays` holds ids that met another id with the same fingerprint, so that a third row is compared with both. */
async function judge({ row, firstRow }: Repeat, search: DuplicateSearch, strays: Map<string, number>): Promise<void> {
  const line = await readLine(search, row);
  const { id, at } = readId(line);
  const isSame = id === readId(await readLine(search, firstRow)).id;
  const earlier = isSame ? firstRow : strays.get(id);
  if (earlier === undefined) {
    strays.set(id, row);
    return;
  }
  const { lineNumbers, badLines, nameRow, onRepeat } = search;
  onRepeat?.(row, earlier);
  badLines.add(lineNumbers.lineOf(row), line, {
    at,
    reason: 'DUPLICATE_CUSTOM_ID',
    message: `custom_id ${JSON.stringify(id)} is on ${nameRow(earlier)} and again on ${nameRow(row)}`,
    remedy: 'Give every row a custom_id of its own: its result is found by it.',
  });
}

const readLine = ({ rows, readAt }: DuplicateSearch, row: number): Promise<Buffer> =>
  readAt(rows.offset[row] ?? 0, rows.length[row] ?? 0);

function readId(line: Buffer): { readonly id: string; readonly at: number } {
  const token = lineId(line);
  return token === undefined ? { id: '', at: 0 } : { id: tokenText(token), at: token.byteOffset - line.byteOffset };
}
