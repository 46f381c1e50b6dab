/**
 * A job's committed entries in input order, out of parts that are in the order in which rows finished.
 *
 * Memory stays flat whatever the job's size (P5): when all entries don't fit one bucket, they are first dealt by row number to bucket files on
 * local disk, which are then sorted one at a time. All reading and writing is sequential, so an object store across a network is as good as a local one.
 */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { StoredPart } from '../db/queries/list-parts.ts';
import { committedEntries } from '../jobs/committed-entries.ts';
import { decodeEntries, encodeEntry, type PartEntry } from '../jobs/part-entries.ts';
import type { ObjectStore } from '../storage/object-store.ts';

const BUCKET_BYTES = 32 * 1024 * 1024;

export interface MergeOptions {
  readonly objects: ObjectStore;
  readonly parts: readonly StoredPart[];
  /** Row numbers are below this. */
  readonly rowCount: number;
  /** An empty or absent folder on local disk, ours for the time of the merge. */
  readonly scratchDir: string;
  readonly bucketBytes?: number;
  /** Aborted: breaks off, between two entries. */
  readonly signal?: AbortSignal;
}

export async function* mergeParts(options: MergeOptions): AsyncGenerator<PartEntry> {
  const bytes = options.parts.reduce((sum, part) => sum + part.bytes, 0);
  const bucketCount = Math.max(1, Math.ceil(bytes / (options.bucketBytes ?? BUCKET_BYTES)));
  const entries = bucketCount === 1 ? inRowOrder(await collect(readParts(options))) : mergeBuckets(options, bucketCount);
  for await (const entry of entries) {
    options.signal?.throwIfAborted();
    yield entry;
  }
}

/** The entries that commits made true. An object may hold others: of leases that were lost before the commit. */
async function* readParts({ objects, parts, signal }: MergeOptions): AsyncGenerator<PartEntry> {
  for (const [objectKey, shares] of Map.groupBy(parts, (part) => part.objectKey)) {
    signal?.throwIfAborted();
    yield* committedEntries(await objects.read(objectKey), { objectKey, shares });
  }
}

async function* mergeBuckets(options: MergeOptions, bucketCount: number): AsyncGenerator<PartEntry> {
  await rm(options.scratchDir, { recursive: true, force: true });
  await mkdir(options.scratchDir, { recursive: true });
  try {
    const paths = await dealToBuckets(options, bucketCount);
    for (const path of paths) {
      yield* inRowOrder(decodeEntries(await readFile(path)).entries);
      await rm(path);
    }
  } finally {
    await rm(options.scratchDir, { recursive: true, force: true });
  }
}

async function dealToBuckets(options: MergeOptions, bucketCount: number): Promise<readonly string[]> {
  const paths = Array.from({ length: bucketCount }, (_, bucket) => join(options.scratchDir, `bucket-${bucket}`));
  const files = paths.map((path) => createWriteStream(path, { highWaterMark: 128 * 1024 }));
  const ends = Promise.all(files.map((file) => finished(file)));
  // Whoever waits for a drain or the end hears of a failure; one between two entries must not end the process.
  ends.catch(() => undefined);
  try {
    for await (const entry of readParts(options)) {
      const file = files[Math.min(bucketCount - 1, Math.floor((entry.row * bucketCount) / options.rowCount))];
      if (file !== undefined && !file.write(encodeEntry(entry))) await Promise.race([once(file, 'drain'), ends]);
    }
    for (const file of files) file.end();
    await ends;
    return paths;
  } finally {
    for (const file of files) file.destroy();
  }
}

const inRowOrder = (entries: readonly PartEntry[]): PartEntry[] => entries.toSorted((a, b) => a.row - b.row);

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
