/**
 * A job's committed entries in input order, out of parts that are in the order in which rows finished.
 *
 * Memory stays flat whatever the job's size (P5). Where rows finished about in the order of the input, each is written as soon as all before it are, and the
 * few that wait are held. Where they wait for too long, what is left is first dealt by row number to files on local disk, which are then sorted one at a time.
 * All reading and writing is sequential, so an object store across a network is as good as a local one.
 */
import type { StoredPart } from '../db/queries/list-parts.ts';
import { committedEntries } from '../jobs/committed-entries.ts';
import { EntryTable } from '../jobs/entry-table.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { dealByRow, type Hand } from './deal-entries.ts';
import { RowWindow } from './row-window.ts';
import type { Slice } from './slices.ts';

const BUCKET_BYTES = 32 * 1024 * 1024;
/** Parts whose rows wait for those before them may take so many times as much memory, before they go to local disk. */
const HELD_BUCKETS = 3;

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
  for await (const slice of toSlices(options)) {
    options.signal?.throwIfAborted();
    yield slice;
  }
}

async function* toSlices(options: MergeOptions): AsyncGenerator<Slice> {
  const { bucketBytes = BUCKET_BYTES } = options;
  const hands = readParts(options);
  const window = new RowWindow();
  for (let hand = await hands.next(); hand.done !== true; hand = await hands.next()) {
    window.add(hand.value);
    yield* window.takeReady();
    if (window.bytes > HELD_BUCKETS * bucketBytes) yield* dealRest(hands, window, { ...options, bucketBytes });
  }
  yield* window.takeAll();
}

/** What waits lies too far apart: it is dealt, with all that is yet to come. */
async function* dealRest(
  hands: AsyncIterable<Hand>,
  window: RowWindow,
  { bytes, rowCount: end, scratchDir: dir, bucketBytes }: MergeOptions & { readonly bucketBytes: number },
): AsyncGenerator<Slice> {
  yield* window.flush();
  async function* rest(): AsyncGenerator<Hand> {
    yield* window.giveAway();
    yield* hands;
  }
  const deck = {
    hands: rest(),
    bytes: Math.max(0, bytes - window.taken),
    first: window.next,
    end: Math.max(end, window.next + 1),
  };
  for await (const table of dealByRow(deck, { dir, bucketBytes })) {
    window.add({ table, places: Array(table.count).keys() });
    yield* window.takeAll();
  }
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
