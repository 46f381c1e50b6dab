import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { continueJob } from '../../src/actions/continue-job.ts';
import { openOutputFile } from '../../src/actions/read-output-file.ts';
import { moveJob } from '../../src/db/queries/move-job.ts';
import type { Job } from '../../src/jobs/job.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { allIds, idOf, makeRow, makeRows, parseLines } from '../support/rows.ts';
import { type House, MODEL, openHouse, openRoom, type Room } from './room.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

interface Row {
  readonly id: string;
  readonly custom_id: string;
  readonly response: object | null;
  readonly error: { readonly code: string } | null;
}

async function readRows(
  { context }: Room,
  { accountId, outputDatasetId: datasetId }: Job,
  kind: 'answers' | 'errors',
): Promise<Row[]> {
  const file = await openOutputFile(context, { accountId, datasetId, kind });
  if (file === undefined) return [];
  const bytes = Buffer.concat(await Array.fromAsync(file.read()));
  expect(bytes.length).toBe(file.bytes);
  return parseLines<Row>(bytes.toString());
}

/** Every row is in one of the two files, once, under an id of its own; both are in the order of the input, what never ran behind what failed. */
async function expectAllRows(room: Room, job: Job, { rows, code }: { readonly rows: number; readonly code: string }) {
  const [answers, errors] = [await readRows(room, job, 'answers'), await readRows(room, job, 'errors')];
  const idsOf = (some: readonly Row[]) => some.map(({ custom_id }) => custom_id);
  expect(idsOf([...answers, ...errors]).sort()).toEqual(allIds(rows));
  expect(new Set([...answers, ...errors].map(({ id }) => id)).size).toBe(rows);
  const unfinished = errors.filter(({ response }) => response === null);
  const failed = errors.filter(({ response }) => response !== null);
  expect(errors).toEqual([...failed, ...unfinished]);
  for (const some of [answers, failed, unfinished]) expect(idsOf(some)).toEqual(idsOf(some).sort());
  expect([...new Set(unfinished.map(({ error }) => error?.code))]).toEqual([code]);
  const { ok, failed: failures } = await room.progress(job);
  expect([answers.length, failed.length, unfinished.length]).toEqual([ok, failures, rows - ok - failures]);
}

/** Prompts of three kinds take turns, so that the plan's order is not the input's; every ninth row is refused, and after a while none comes back. */
const mixed = (row: number) => {
  const content = `${['alpha', 'beta', 'gamma'][row % 3]} ${'x'.repeat(400)} [[${idOf(row)}]]`;
  return { ...makeRow(row), body: { messages: [{ role: 'user', content }] } };
};
const engine = {
  script: ({ marker, count }: { readonly marker: string; readonly count: number }) =>
    count > 150 ? ('hang' as const) : Number(marker.slice(-5)) % 9 === 0 ? { status: 400 } : undefined,
};
const openaiRow = (row: number) => ({ ...mixed(row), method: 'POST', url: '/v1/chat/completions' });

describe.each([
  ['fireworks', mixed],
  ['openai', openaiRow],
] as const)('rows in the format of %s', (_, toRow) => {
  test('that were cancelled are listed', async () => {
    const room = await openRoom(house, { engine });
    const job = await room.createJob(makeRows(400, toRow));
    await room.startWorker();
    await room.until(job, (_, { ok, failed }) => ok + failed > 100);
    await moveJob(house.store.db, job.uid, 'CANCELLING');
    expect(await room.untilEnd(job)).toMatchObject({ state: 'CANCELLED' });
    await expectAllRows(room, job, { rows: 400, code: 'batch_cancelled' });
  });
});

test('rows that the window cut off are listed, also when the list can not be stored at first', async () => {
  const refused: string[] = [];
  const objects = (disk: ObjectStore): ObjectStore => ({
    put: (key, bytes) => disk.put(key, bytes),
    async putStream(key, body) {
      if (!key.endsWith('/unfinished') || refused.length > 0) return disk.putStream(key, body);
      refused.push(key);
      for await (const _ of body) break;
      throw new Error('the disk is full');
    },
    get: (key, range) => disk.get(key, range),
    read: (key, range) => disk.read(key, range),
    head: (key) => disk.head(key),
    list: (prefix) => disk.list(prefix),
    delete: (keys) => disk.delete(keys),
  });
  const room = await openRoom(house, { engine, objects });
  const job = await room.createJob(makeRows(300, mixed));
  await room.startWorker();
  await room.until(job, (_, { ok, failed }) => ok + failed > 100);
  room.clock.nowMs += 25 * 3_600_000;
  expect(await room.untilEnd(job)).toMatchObject({ state: 'EXPIRED' });
  expect(refused).toHaveLength(1);
  await expectAllRows(room, job, { rows: 300, code: 'batch_expired' });
});

test('rows of a job that failed while it ran are listed', async () => {
  const refusal = { status: 401, body: '{"error":{"message":"This key was revoked."}}' };
  const room = await openRoom(house, {
    engine: { script: ({ count }) => (count > 60 ? refusal : undefined) },
    limits: { hopelessMs: 300 },
  });
  const job = await room.createJob(makeRows(200, mixed));
  await room.startWorker();
  expect(await room.untilEnd(job)).toMatchObject({ state: 'FAILED' });
  await expectAllRows(room, job, { rows: 200, code: 'batch_failed' });
});

test('a job whose bad rows pass lists each row once, and its continuation those that it runs itself', async () => {
  const room = await openRoom(house, { engine: { script: ({ count }) => (count > 20 ? 'hang' : undefined) } });
  const bad = (row: number) => (row % 10 === 0 ? { ...mixed(row), body: {} } : mixed(row));
  const job = await room.createJob(makeRows(60, bad), { model: MODEL, onInvalidRow: 'skip' });
  await room.startWorker();
  await room.until(job, (_, { ok }) => ok > 0);
  await moveJob(house.store.db, job.uid, 'CANCELLING');
  await room.untilEnd(job);
  await expectAllRows(room, job, { rows: 60, code: 'batch_cancelled' });

  const rest = await continueJob(room.context, room.caller, { continuedFrom: job.id });
  await room.until(rest, ({ state }) => state === 'RUNNING');
  await moveJob(house.store.db, rest.uid, 'CANCELLING');
  await room.untilEnd(rest);
  const [answered, left] = [await readRows(room, job, 'answers'), await readRows(room, rest, 'errors')];
  expect(answered.length).toBeGreaterThan(0);
  expect([...answered, ...left].map(({ custom_id }) => custom_id).sort()).toEqual(allIds(60));
});
