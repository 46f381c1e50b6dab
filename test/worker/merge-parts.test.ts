import { existsSync } from 'node:fs';
import { readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeId } from '../../src/base/ids.ts';
import type { StoredPart } from '../../src/db/queries/list-parts.ts';
import { encodeEntry, type PartEntry } from '../../src/jobs/part-entries.ts';
import { toRanges } from '../../src/jobs/ranges.ts';
import { openDiskStore } from '../../src/storage/disk.ts';
import { mergeParts } from '../../src/worker/merge-parts.ts';
import { makeFolder } from '../support/folder.ts';
import { makeRandom } from '../support/kill.ts';
import { makeEntry } from './journals.ts';

const LEASE = { ticket: 't', accountId: 'ada', jobUid: 'job', shard: 0, first: 0, count: 1_000, model: 'm', epoch: 1, done: [] };

/** A disk store, and parts put into it. */
async function openParts() {
  const dir = await makeFolder();
  const objects = await openDiskStore(join(dir, 'objects'));
  const scratchDir = join(dir, 'scratch');
  const parts: StoredPart[] = [];
  const put = async (entries: readonly PartEntry[], committed: readonly PartEntry[] = entries) => {
    const objectKey = `parts/${makeId(8)}`;
    await objects.put(objectKey, Buffer.concat(entries.map(encodeEntry)));
    const bytes = committed.reduce((sum, { line }) => sum + line.length, 0);
    const rows = toRanges(committed.map(({ position }) => position));
    parts.push({ objectKey, shard: LEASE.shard, epoch: LEASE.epoch, rows, failedRows: [], bytes });
    return objectKey;
  };
  /** Two at a time, as the database gives them some at a time. */
  const paged = () => ({
    parts: (async function* () {
      for (let at = 0; at < parts.length; at += 2) yield parts.slice(at, at + 2);
    })(),
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
  });
  const merge = async (bucketBytes?: number): Promise<readonly string[]> => {
    const slices = await Array.fromAsync(
      mergeParts({ objects, ...paged(), rowCount: 1_000, scratchDir, ...(bucketBytes === undefined ? {} : { bucketBytes }) }),
    );
    for (const { bytes, lengths } of slices) expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(bytes.length);
    const merged = Buffer.concat(slices.map(({ bytes }) => bytes)).toString();
    return merged.split('\n').slice(0, -1);
  };
  return { objects, paged, scratchDir, put, merge };
}

/** Row numbers 0 to 999 in the order of chance; the plan's order is another one than the input's. */
function shuffled(): PartEntry[] {
  const random = makeRandom(7);
  const rows = Array.from({ length: 1_000 }, (_, row) => ({ row, at: random() })).toSorted((a, b) => a.at - b.at);
  return rows.map(({ row }, position) => makeEntry(LEASE, position, { row, line: Buffer.from(`{"row":${row}}\n`) }));
}

test('many small buckets give what one gives: every entry once, in the order of the input', async () => {
  const { put, merge, scratchDir } = await openParts();
  const entries = shuffled();
  for (let at = 0; at < entries.length; at += 130) await put(entries.slice(at, at + 130));
  const inOne = await merge();
  expect(inOne).toEqual(Array.from({ length: 1_000 }, (_, row) => `{"row":${row}}`));
  expect(await merge(500)).toEqual(inOne);
  expect(await merge(4_000)).toEqual(inOne);
  expect(existsSync(scratchDir)).toBe(false);
});

test('answers and failures are in order, each kind for itself', async () => {
  const { put, paged, objects, scratchDir } = await openParts();
  const entries = shuffled().map((entry) => ({
    ...entry,
    kind: entry.row % 7 === 0 ? ('failure' as const) : ('success' as const),
  }));
  for (let at = 0; at < entries.length; at += 250) await put(entries.slice(at, at + 250));
  for (const bucketBytes of [100_000, 4_000]) {
    const texts = { success: '', failure: '' };
    for await (const { kind, bytes } of mergeParts({ objects, ...paged(), rowCount: 1_000, scratchDir, bucketBytes }))
      texts[kind] += bytes.toString();
    const expected = Map.groupBy(Array(1_000).keys(), (row) => row % 7 === 0);
    expect(texts.failure).toBe(
      expected
        .get(true)
        ?.map((row) => `{"row":${row}}\n`)
        .join(''),
    );
    expect(texts.success).toBe(
      expected
        .get(false)
        ?.map((row) => `{"row":${row}}\n`)
        .join(''),
    );
  }
});

test('rows that wait for a few others only never lie on local disk, and what follows a row that is late does', async () => {
  const { put, paged, objects, scratchDir } = await openParts();
  const entries = shuffled().toSorted((a, b) => a.row - b.row);
  const late = entries.splice(600, 1);
  for (let at = 0; at < entries.length; at += 20) await put(entries.slice(at, at + 20).toReversed());
  await put(late);
  const rows: string[] = [];
  const scratchAt: number[] = [];
  for await (const { bytes } of mergeParts({ objects, ...paged(), rowCount: 1_000, scratchDir, bucketBytes: 2_000 })) {
    if (existsSync(scratchDir)) scratchAt.push(rows.length);
    rows.push(...bytes.toString().trimEnd().split('\n'));
  }
  expect(rows).toEqual(Array.from({ length: 1_000 }, (_, row) => `{"row":${row}}`));
  expect(scratchAt[0]).toBe(600);
});

test('rows that lie close together are dealt again until they fit into memory', async () => {
  const { put, paged, objects, scratchDir } = await openParts();
  const long = (row: number): Buffer => Buffer.from(`{"row":${row},"text":"${'x'.repeat(row % 9 === 0 ? 3_000 : 30)}"}\n`);
  const entries = shuffled().map((entry) => ({ ...entry, line: long(entry.row) }));
  for (let at = 0; at < entries.length; at += 130) await put(entries.slice(at, at + 130));
  // The rows are the first thousandth of the input.
  const slices = await Array.fromAsync(mergeParts({ objects, ...paged(), rowCount: 1_000_000, scratchDir, bucketBytes: 4_000 }));
  expect(Buffer.concat(slices.map(({ bytes }) => bytes))).toEqual(
    Buffer.concat(Array.from({ length: 1_000 }, (_, row) => long(row))),
  );
  expect(Math.max(...slices.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(2 * 4_000);
  expect(existsSync(scratchDir)).toBe(false);
});

test('what no commit made true is left out, though it lies in the same object', async () => {
  const { put, merge } = await openParts();
  const entries = [0, 1, 2, 3].map((position) => makeEntry(LEASE, position));
  const older = makeEntry({ ...LEASE, epoch: 0 }, 1, { line: Buffer.from('{"old":true}\n') });
  await put([older, ...entries], entries.slice(0, 3));
  const expected = entries.slice(0, 3).map(({ line }) => line.toString().trimEnd());
  expect(await merge()).toEqual(expected);
  expect(await merge(100)).toEqual(expected);
});

test('a damaged part is data loss, not a shorter output', async () => {
  const { put, merge, objects } = await openParts();
  await put(shuffled().slice(0, 10));
  const key = await put(shuffled().slice(10, 20));
  const bytes = await objects.read(key);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  await objects.put(key, bytes);
  for (const bucketBytes of [undefined, 100]) {
    await expect(merge(bucketBytes)).rejects.toMatchObject({ code: 'DATA_LOSS', reason: 'PART_CORRUPT' });
  }
});

test('a part that was cut between two entries is data loss, and so is a row that is there twice', async () => {
  for (const bucketBytes of [undefined, 100]) {
    const short = await openParts();
    const entries = shuffled().slice(0, 10);
    const key = await short.put(entries);
    await short.objects.put(key, Buffer.concat(entries.slice(0, 7).map(encodeEntry)));
    await expect(short.merge(bucketBytes)).rejects.toMatchObject({
      reason: 'PART_CORRUPT',
      message: expect.stringMatching('3 are missing'),
    });
    const double = await openParts();
    const again = await double.put(entries);
    await double.objects.put(again, Buffer.concat([...entries, ...entries.slice(0, 2)].map(encodeEntry)));
    await expect(double.merge(bucketBytes)).rejects.toMatchObject({
      reason: 'PART_CORRUPT',
      message: expect.stringMatching(`row ${(entries[0]?.row ?? 0) + 1} of the input twice`),
    });
    const swapped = await openParts();
    const other = await swapped.put(entries);
    await swapped.objects.put(other, Buffer.concat([...entries.slice(0, 9), ...entries.slice(0, 1)].map(encodeEntry)));
    await expect(swapped.merge(bucketBytes)).rejects.toMatchObject({ reason: 'PART_CORRUPT' });
    const twice = await openParts();
    await twice.put(entries);
    await twice.put(entries.slice(3, 4));
    await expect(twice.merge(bucketBytes)).rejects.toMatchObject({ code: 'DATA_LOSS', reason: 'PART_CORRUPT' });
  }
});

test('a bucket that is damaged on local disk is not a shorter output either, and merged anew it is whole', async () => {
  const { put, paged, merge, objects, scratchDir } = await openParts();
  for (const entry of shuffled().slice(0, 40)) await put([entry]);
  const slices = mergeParts({ objects, ...paged(), rowCount: 1_000, scratchDir, bucketBytes: 100 });
  await slices.next();
  const left = await readdir(scratchDir, { withFileTypes: true });
  for (const file of left) if (file.isFile()) await truncate(join(scratchDir, file.name), 41);
  await expect(Array.fromAsync(slices)).rejects.toMatchObject({ code: 'DATA_LOSS', reason: 'SCRATCH_CORRUPT' });
  expect(existsSync(scratchDir)).toBe(false);
  expect(await merge(100)).toHaveLength(40);
});

test('what is broken off leaves no scratch', async () => {
  const { objects, paged, put, scratchDir } = await openParts();
  const entries = shuffled();
  // Row 0 comes last.
  await put(entries.filter(({ row }) => row > 0));
  await put(entries.filter(({ row }) => row === 0));
  const breakOff = new AbortController();
  const slices = mergeParts({ objects, ...paged(), rowCount: 1_000, scratchDir, bucketBytes: 500, signal: breakOff.signal });
  expect(String((await slices.next()).value?.bytes)).toMatch('{"row":0}');
  expect(existsSync(scratchDir)).toBe(true);
  breakOff.abort();
  await expect(slices.next()).rejects.toThrow('aborted');
  expect(existsSync(scratchDir)).toBe(false);
});

test('a part that is gone is an error', async () => {
  const { put, merge, objects } = await openParts();
  await objects.delete([await put(shuffled().slice(0, 10))]);
  await expect(merge()).rejects.toMatchObject({ reason: 'OBJECT_NOT_FOUND' });
});

test('no parts are no entries', async () => {
  expect(await (await openParts()).merge()).toEqual([]);
});
