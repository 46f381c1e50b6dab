/** Parts as a job leaves them behind: rows in the order in which they finished, a few thousand in each object. */
import { createHash } from 'node:crypto';
import type { StoredPart } from '../../src/db/queries/list-parts.ts';
import { encodeEntry, type PartEntry } from '../../src/jobs/part-entries.ts';
import { toRanges } from '../../src/jobs/ranges.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { makeRandom } from '../simulator/random.ts';

/** `input`: the plan kept the order of the file. `prefix`: it put rows together that begin alike, from all over the file. */
export type Order = 'input' | 'prefix';

const PART_BYTES = 4 * 1024 * 1024;
const SHARD_ROWS = 1_000;
/** Rows that were in flight at once: so far apart two rows may finish in the wrong order. */
const IN_FLIGHT = 4_096;
export const LINE_BYTES = 1_000;
const FILLER = Buffer.alloc(LINE_BYTES, 'lorem ipsum dolor sit amet ');

/** How many rows make up so many bytes. */
export const rowsOf = (bytes: number): number => Math.floor(bytes / LINE_BYTES);

/** A result line, told by its row number alone. */
function makeLine(row: number): Buffer {
  const line = Buffer.from(FILLER);
  line.write(`{"custom_id":"request-${row}","response":{"content":"`, 'latin1');
  line.write('"}}\n', LINE_BYTES - 4, 'latin1');
  return line;
}

/** What the merged file must be. */
export function hashMerged(rows: number): string {
  const hash = createHash('sha256');
  for (let row = 0; row < rows; row++) hash.update(makeLine(row));
  return hash.digest('hex');
}

/** Puts the parts of a job into a store, and tells what each object holds. */
export async function* makeParts(objects: ObjectStore, rows: number, order: Order): AsyncGenerator<readonly StoredPart[]> {
  let objectCount = 0;
  let held: PartEntry[] = [];
  const put = async (): Promise<readonly StoredPart[]> => {
    const objectKey = `jobs/merge/parts/${objectCount++}`;
    await objects.put(objectKey, Buffer.concat(held.map(encodeEntry)));
    const parts = Array.from(
      Map.groupBy(held, (entry) => entry.shard),
      ([shard, entries]) => ({
        objectKey,
        shard,
        epoch: 1,
        rows: toRanges(entries.map(({ position }) => position)),
        failedRows: [],
        bytes: entries.length * LINE_BYTES,
      }),
    );
    held = [];
    return parts;
  };
  for (const position of inFinishOrder(rows)) {
    held.push(toEntry(position, order === 'input' ? position : scatter(position, rows)));
    if (held.length * LINE_BYTES >= PART_BYTES) yield await put();
  }
  if (held.length > 0) yield await put();
}

const toEntry = (position: number, row: number): PartEntry => ({
  position,
  row,
  shard: Math.floor(position / SHARD_ROWS),
  epoch: 1,
  kind: 'success',
  inputTokens: 100,
  outputTokens: 100,
  cachedTokens: 0,
  line: makeLine(row),
});

/** A document every so many rows, asked about again and again. */
const DOCUMENTS = 1_000;

/** Rows of one document lie side by side in the plan and far apart in the file. */
function scatter(position: number, rows: number): number {
  const each = Math.ceil(rows / DOCUMENTS);
  const full = rows - (each - 1) * DOCUMENTS;
  // The first `full` documents have a row more than the others.
  const inFull = full * each;
  if (position < inFull) return (position % each) * DOCUMENTS + Math.floor(position / each);
  const rest = position - inFull;
  return (rest % (each - 1)) * DOCUMENTS + full + Math.floor(rest / (each - 1));
}

/** Positions as they finish: of those in flight, any is next. */
function* inFinishOrder(rows: number): Generator<number> {
  const random = makeRandom(1);
  const inFlight: number[] = [];
  for (let next = 0; next < rows || inFlight.length > 0; ) {
    while (next < rows && inFlight.length < IN_FLIGHT) inFlight.push(next++);
    const at = Math.floor(random() * inFlight.length);
    const last = inFlight.pop() ?? 0;
    const done = inFlight[at] ?? last;
    if (at < inFlight.length) inFlight[at] = last;
    yield done;
  }
}
