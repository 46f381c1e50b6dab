import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from '../../src/db/open-store.ts';
import { sumProgress } from '../../src/db/queries/sum-progress.ts';
import type { Store } from '../../src/db/store.ts';
import type { ShardLease } from '../../src/jobs/leases.ts';
import { encodeEntry } from '../../src/jobs/part-entries.ts';
import { decodeEntries } from '../../src/jobs/read-entries.ts';
import { openDiskStore } from '../../src/storage/disk.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { adoptJournals } from '../../src/worker/adopt-journals.ts';
import { listParts, makePlannedJob, takeOneOf } from '../db/jobs.ts';
import { makeFolder } from '../support/folder.ts';
import { startNode } from '../support/program.ts';
import { makeEntry, writeJournal } from './journals.ts';

let dir: string;
let store: Store;
let objects: ObjectStore;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'boatload-adopt-'));
  store = await openStore({ url: `file:${join(dir, 'database')}` });
  objects = await openDiskStore(join(dir, 'objects'));
});
afterAll(async () => {
  await store.close();
  await rm(dir, { recursive: true });
});

/** A lease of a job with one shard of so many rows. */
const lease = async (rows = 10): Promise<ShardLease> => takeOneOf(store, await makePlannedJob(store, [rows]));
const adopt = (journals: string) => adoptJournals(journals, { objects, leases: store.leases });
const positions = (count: number, from = 0) => Array.from({ length: count }, (_, index) => from + index);
const progressOf = ({ jobUid }: ShardLease) => sumProgress(store.db, jobUid);

test('rows that a process had finished when it was killed are committed by the next', async () => {
  const journals = await makeFolder();
  const held = await lease(500);
  const script = join(import.meta.dirname, 'journal-process.ts');
  const dead = startNode([script, journals, JSON.stringify(held), '500'], { cwd: journals });
  await dead.says(/written/);
  expect(await dead.killAll()).toMatchObject({ signal: 'SIGKILL' });
  expect(await adopt(journals)).toEqual({ rows: 500, segments: 1 });
  expect(await progressOf(held)).toMatchObject({
    ok: 500,
    failed: 0,
    inputTokens: 5_000,
    outputTokens: 1_500,
    cachedTokens: 2_500,
  });
  expect(existsSync(join(journals, held.jobUid))).toBe(false);
  expect(await adopt(journals)).toEqual({ rows: 0, segments: 0 });
  // What was adopted can be settled: nothing is missing.
  await store.leases.settle(held);
});

test('a torn end is left out, and the rows before it are kept', async () => {
  const journals = await makeFolder();
  const held = await lease();
  const whole = Buffer.concat(positions(4).map((position) => encodeEntry(makeEntry(held, position))));
  await writeJournal(journals, held.jobUid, whole.subarray(0, -7));
  expect(await adopt(journals)).toEqual({ rows: 3, segments: 1 });
  const [part] = await listParts(store.db, held.jobUid);
  expect(part?.rows).toEqual([[0, 3]]);
  const { entries, validBytes } = decodeEntries(await objects.read(part?.objectKey ?? ''));
  expect(entries.map(({ position }) => position)).toEqual([0, 1, 2]);
  expect(validBytes).toBe((await objects.head(part?.objectKey ?? ''))?.bytes);
});

test('a journal without a whole entry is nothing', async () => {
  const journals = await makeFolder();
  const held = await lease();
  await writeJournal(journals, held.jobUid, new Uint8Array());
  await writeJournal(journals, held.jobUid, Buffer.alloc(4_096));
  expect(await adopt(journals)).toEqual({ rows: 0, segments: 2 });
  expect(await listParts(store.db, held.jobUid)).toEqual([]);
});

test('rows of a lease that somebody has taken over are refused', async () => {
  const journals = await makeFolder();
  const old = await lease();
  await store.leases.giveBack(old);
  const [current] = await store.leases.take(1);
  expect(current).toMatchObject({ jobUid: old.jobUid, epoch: old.epoch + 1 });
  await writeJournal(
    journals,
    old.jobUid,
    positions(5).map((position) => makeEntry(old, position)),
  );
  expect(await adopt(journals)).toEqual({ rows: 0, segments: 1 });
  expect(await progressOf(old)).toMatchObject({ ok: 0, failed: 0 });
});

test('of a shard that was leased twice, only the rows of the newest lease count', async () => {
  const journals = await makeFolder();
  const old = await lease();
  await store.leases.giveBack(old);
  const [current] = await store.leases.take(1);
  if (current === undefined) throw new Error('no shard');
  const entries = [makeEntry(old, 0), makeEntry(old, 1), makeEntry(current, 1), makeEntry(current, 2, { kind: 'failure' })];
  await writeJournal(journals, old.jobUid, entries);
  expect(await adopt(journals)).toEqual({ rows: 2, segments: 1 });
  const [part] = await listParts(store.db, old.jobUid);
  expect(part).toMatchObject({ epoch: current.epoch, rows: [[1, 3]], failedRows: [[2, 3]] });
});

test('a segment whose commit had gone through is not doubled', async () => {
  const journals = await makeFolder();
  const held = await lease();
  const path = await writeJournal(
    journals,
    held.jobUid,
    positions(6).map((position) => makeEntry(held, position)),
  );
  const bytes = readFileSync(path);
  expect(await adopt(journals)).toEqual({ rows: 6, segments: 1 });
  // As when the process died after the commit and before the file was deleted.
  await writeJournal(journals, held.jobUid, bytes);
  expect(await adopt(journals)).toEqual({ rows: 0, segments: 1 });
  expect(await progressOf(held)).toMatchObject({ ok: 6 });
});

test('journals of several segments, shards and jobs are adopted together, and of unknown jobs passed over', async () => {
  const journals = await makeFolder();
  const [one, two] = [await lease(), await lease()];
  await writeJournal(journals, one.jobUid, [makeEntry(one, 0)]);
  await writeJournal(journals, one.jobUid, [makeEntry(one, 1)]);
  await writeJournal(journals, two.jobUid, [makeEntry(two, 9)]);
  await writeJournal(journals, '6dd3dd6a-4a5c-4b71-a3a4-0d1a3f2b9f00', [makeEntry(two, 1)]);
  expect(await adopt(journals)).toEqual({ rows: 3, segments: 4 });
  expect(await progressOf(one)).toMatchObject({ ok: 2 });
  expect(await progressOf(two)).toMatchObject({ ok: 1 });
});
