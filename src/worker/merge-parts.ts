/**
 * A job's committed entries in input order, out of parts that are in the order in which rows finished.
 *
 * Memory stays flat whatever the job's size (P5): when all entries don't fit into it, they are first dealt by row number to files on
 * local disk, which are then sorted one at a time. All reading and writing is sequential, so an object store across a network is as good as a local one.
 */
import type { StoredPart } from '../db/queries/list-parts.ts';
import { committedEntries } from '../jobs/committed-entries.ts';
import { EntryTable } from '../jobs/entry-table.ts';
import { ENTRY_HEADER_BYTES, type PartEntry } from '../jobs/part-entries.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { dealByRow, type Hand } from './deal-entries.ts';
import type { Lines } from './output-file.ts';

const BUCKET_BYTES = 32 * 1024 * 1024;
/** Lines that are handed on together have about so many bytes. */
const SLICE_BYTES = 512 * 1024;

/** Some lines of one kind of row, one after the other in the order of the input. */
export interface Slice extends Lines {
  readonly kind: PartEntry['kind'];
}

export interface MergeOptions {
  readonly objects: ObjectStore;
  /** Some at a time: all of them may not fit into memory. */
  readonly parts: AsyncIterable<readonly StoredPart[]>;
  /** Of all their result lines. */
  readonly bytes: number;
  /** Row numbers are below this. */
  readonly rowCount: number;
  /** An empty or absent folder on local disk, ours for the time of the merge. */
  readonly scratchDir: string;
  readonly bucketBytes?: number;
  /** Aborted: breaks off, between two slices. */
  readonly signal?: AbortSignal;
}

/** The lines, some at a time; those of each kind are in order. */
export async function* mergeParts(options: MergeOptions): AsyncGenerator<Slice> {
  const { bytes, rowCount: end, scratchDir: dir, bucketBytes = BUCKET_BYTES } = options;
  const hands = readParts(options);
  const runs = bytes <= bucketBytes ? gather(hands) : dealByRow({ hands, bytes, first: 0, end }, { dir, bucketBytes });
  for await (const run of runs)
    for (const slice of inRowOrder(run)) {
      options.signal?.throwIfAborted();
      yield slice;
    }
}

async function* gather(hands: AsyncIterable<Hand>): AsyncGenerator<EntryTable> {
  const entries: Buffer[] = [];
  for await (const { table, places } of hands)
    for (const place of places) entries.push(table.bytes.subarray(table.start(place), table.end(place)));
  yield new EntryTable(Buffer.concat(entries));
}

/**
 * What commits made true, one object after the other; an object that parts far from each other share is read again. It may hold entries of leases that
 * were lost before the commit, too.
 */
async function* readParts({ objects, parts, signal }: MergeOptions): AsyncGenerator<Hand> {
  for await (const some of parts) {
    const wanted = [...Map.groupBy(some, (part) => part.objectKey)];
    const read = (at: number) => wanted[at] && objects.read(wanted[at][0]);
    let next = read(0);
    for (const [at, [objectKey, shares]] of wanted.entries()) {
      signal?.throwIfAborted();
      const table = new EntryTable((await next) ?? Buffer.alloc(0));
      // On its way while this one is worked on; told when it is waited for.
      next = read(at + 1);
      next?.catch(() => undefined);
      yield { table, places: committedEntries(table, { objectKey, shares }) };
    }
  }
}

function* inRowOrder(table: EntryTable): Generator<Slice> {
  const rows = Uint32Array.from({ length: table.count }, (_, place) => table.row(place));
  const order = rows.map((_, place) => place).sort((a, b) => (rows[a] ?? 0) - (rows[b] ?? 0));
  for (const kind of ['success', 'failure'] as const) yield* toSlices(table, order, kind);
}

function* toSlices(table: EntryTable, order: Uint32Array, kind: PartEntry['kind']): Generator<Slice> {
  let lines: Buffer[] = [];
  let bytes = 0;
  for (const place of order) {
    if (table.kind(place) !== kind) continue;
    const line = table.bytes.subarray(table.start(place) + ENTRY_HEADER_BYTES, table.end(place));
    lines.push(line);
    bytes += line.length;
    if (bytes < SLICE_BYTES) continue;
    yield toSlice(kind, lines);
    [lines, bytes] = [[], 0];
  }
  if (lines.length > 0) yield toSlice(kind, lines);
}

const toSlice = (kind: Slice['kind'], lines: readonly Buffer[]): Slice => ({
  kind,
  bytes: Buffer.concat(lines),
  lengths: lines.map(({ length }) => length),
});
