/** Entries in whatever order, dealt by row number to files on local disk until what lies together fits into memory. */
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { Problem } from '../base/problem.ts';
import { EntryTable } from '../jobs/entry-table.ts';
import { toWriteProblem } from '../storage/disk-problem.ts';
import { Buckets } from './buckets.ts';

/** Some entries of a table. */
export interface Hand {
  readonly table: EntryTable;
  readonly places: Iterable<number>;
}

export interface Deck {
  readonly hands: AsyncIterable<Hand>;
  /** Of all entries, about. */
  readonly bytes: number;
  /** Row numbers are from `first` up to below `end`. */
  readonly first: number;
  readonly end: number;
}

export interface DealOptions {
  /** An empty or absent folder on local disk, ours for the time of the dealing. */
  readonly dir: string;
  /** What is to lie together. */
  readonly bucketBytes: number;
}

const CHUNK_BYTES = 4 * 1024 * 1024;
/** Each has slabs in memory, and an open file: what is larger is dealt again. */
const MAX_BUCKETS = 512;

/** Runs of entries: each run is before the next, and in no order within. */
export async function* dealByRow(
  { hands, bytes, first, end }: Deck,
  { dir, bucketBytes }: DealOptions,
): AsyncGenerator<EntryTable> {
  const rowsEach = Math.max(1, Math.ceil((end - first) / Math.min(MAX_BUCKETS, Math.max(1, Math.ceil(bytes / bucketBytes)))));
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true }).catch((cause: unknown) => Promise.reject(toWriteProblem(cause, dir)));
  const buckets = new Buckets(dir, Math.max(1, Math.ceil((end - first) / rowsEach)));
  try {
    let before = buckets.written();
    for await (const { table, places } of hands) {
      for (const place of places) buckets.add(Math.floor((table.row(place) - first) / rowsEach), table, place);
      // The disk writes while the next ones are dealt, and is never further behind.
      await before;
      before = buckets.written();
      before.catch(() => undefined);
    }
    for (const [at, file] of (await buckets.end()).entries()) {
      const from = first + at * rowsEach;
      // Rows that are left over from another job, or long ones, may lie close together.
      if (file.bytes > 2 * bucketBytes && rowsEach > 1) {
        const deck = { hands: readHands(file.path), bytes: file.bytes, first: from, end: from + rowsEach };
        yield* dealByRow(deck, { dir: `${file.path}-again`, bucketBytes });
      } else yield readTable(await readFile(file.path));
      await rm(file.path);
    }
  } finally {
    await buckets.close();
    await rm(dir, { recursive: true, force: true });
  }
}

async function* readHands(path: string): AsyncGenerator<Hand> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
    const table = new EntryTable(Buffer.concat([rest, chunk]));
    yield { table, places: Array(table.count).keys() };
    rest = table.bytes.subarray(table.validBytes);
  }
  readTable(rest);
}

/** What lay on local disk meanwhile is checked like what came from the object store: a damaged bucket must not be a shorter output. */
function readTable(bytes: Buffer): EntryTable {
  const table = new EntryTable(bytes);
  if (table.validBytes === bytes.length) return table;
  const words = `Results that are being merged are damaged on local disk, at byte ${table.validBytes} of ${bytes.length}. They are merged anew; check the disk of the data folder.`;
  throw new Problem('DATA_LOSS', words, { reason: 'SCRATCH_CORRUPT' });
}
