import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openOutputFile } from '../../src/actions/read-output-file.ts';
import { OUTPUT_FILES } from '../../src/contract/dataset.ts';
import { finishJob } from '../../src/db/queries/finish-job.ts';
import { startPlannedJob } from '../../src/db/queries/start-planned-job.ts';
import type { Store } from '../../src/db/store.ts';
import type { Job } from '../../src/jobs/job.ts';
import { toUnfinishedRow, UNFINISHED_FILE } from '../../src/jobs/openai-row.ts';
import { toFailure } from '../../src/jobs/result-row.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { openOutputFile as beginOutputFile } from '../../src/worker/output-file.ts';
import { openDoor } from '../api/door.ts';
import { makeJob } from '../db/jobs.ts';
import { parseLines } from '../support/rows.ts';

let door: Awaited<ReturnType<typeof openDoor>>;
let store: Store;
let objects: ObjectStore;
/** How many bytes were streamed. */
let streamed = 0;

beforeAll(async () => {
  door = await openDoor();
  store = door.context.store;
  const disk = door.context.objects;
  objects = {
    put: (key, bytes) => disk.put(key, bytes),
    putStream: (key, body) => disk.putStream(key, body),
    get: async (key, range) => Readable.from(counted(await disk.get(key, range)), { highWaterMark: 1 }),
    read: (key, range) => disk.read(key, range),
    head: (key) => disk.head(key),
    list: (prefix) => disk.list(prefix),
    delete: (keys) => disk.delete(keys),
  };
});
afterAll(() => door.close());

async function* counted(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    streamed += chunk.length;
    yield chunk;
  }
}

/** A job that has ended with these lines in its files. */
async function endJob({ answers, errors, unfinished }: { answers: number; errors: number; unfinished: number }): Promise<Job> {
  const job = await makeJob(store);
  await startPlannedJob(store, job.uid, {
    totalRows: answers + errors + unfinished,
    inputRows: answers + errors + unfinished,
    rowFormat: 'openai',
    planKey: 'plan',
    shards: [],
  });
  const lines = {
    [OUTPUT_FILES.results]: Array.from({ length: answers }, (_, row) => answerLine(row)),
    [OUTPUT_FILES.errors]: Array.from({ length: errors }, (_, row) => errorLine(answers + row)),
    [UNFINISHED_FILE]: Array.from({ length: unfinished }, (_, row) =>
      toUnfinishedRow(Buffer.from(`"row-${answers + errors + row}"`), 'EXPIRED', job.uid),
    ),
  };
  const written = await Promise.all(
    Object.entries(lines).map(async ([name, of]) => {
      const file = beginOutputFile(objects, { jobUid: job.uid, name });
      for (const line of of) await file.write({ bytes: line, lengths: [line.length] });
      return { file: await file.end(), checkpoints: await file.writeCheckpoints() };
    }),
  );
  const files = written.map(({ file }) => file);
  await finishJob(store, job.uid, {
    files: files.filter(({ name }) => name !== UNFINISHED_FILE),
    hidden: [...files.filter(({ name }) => name === UNFINISHED_FILE), ...written.flatMap(({ checkpoints }) => checkpoints ?? [])],
  });
  return job;
}

const answerLine = (row: number): Buffer =>
  Buffer.from(`{"custom_id":"row-${row}","response":{"text":"${'x'.repeat(500 + ((row * 7919) % 3000))}"}}\n`);
const errorLine = (row: number): Buffer =>
  toFailure(Buffer.from(`"row-${row}"`), { code: 429, message: 'y'.repeat((row * 31) % 700), type: 'rate_limit' }).line;

const open = async (job: Job, kind: 'answers' | 'errors') => {
  const file = await openOutputFile({ store, objects }, { accountId: job.accountId, datasetId: job.outputDatasetId, kind });
  if (file === undefined) throw new Error(`no ${kind}`);
  return file;
};

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

describe('a file of several megabytes', () => {
  let job: Job;
  beforeAll(async () => {
    job = await endJob({ answers: 3_000, errors: 4_000, unfinished: 50 });
  });

  test.each(['answers', 'errors'] as const)('has the size of its %s, each row once', async (kind) => {
    const file = await open(job, kind);
    const whole = await collect(file.read());
    expect(whole.length).toBe(file.bytes);
    const rows = parseLines<{ custom_id: string; response: object | null }>(whole.toString());
    const [first, count] = kind === 'answers' ? [0, 3_000] : [3_000, 4_050];
    expect(rows.map(({ custom_id }) => custom_id)).toEqual(Array.from({ length: count }, (_, row) => `row-${first + row}`));
    expect(rows.filter(({ response }) => response === null)).toHaveLength(kind === 'answers' ? 0 : 50);
  });

  test.each(['answers', 'errors'] as const)('gives any range of its %s', async (kind) => {
    const file = await open(job, kind);
    const whole = await collect(file.read());
    const place = fc.integer({ min: 0, max: file.bytes });
    await fc.assert(
      fc.asyncProperty(place, place, async (one, other) => {
        const range = { start: Math.min(one, other), end: Math.max(one, other) };
        expect((await collect(file.read(range))).equals(whole.subarray(range.start, range.end))).toBe(true);
      }),
      { numRuns: 60 },
    );
    const last = { start: file.bytes - 1, end: file.bytes };
    expect(await collect(file.read(last))).toEqual(Buffer.from('\n'));
  });

  test('reads little of what is before a range, and of what is behind it', async () => {
    const file = await open(job, 'answers');
    expect(file.bytes).toBeGreaterThan(5_000_000);
    streamed = 0;
    const end = file.bytes - 2_500_000;
    await collect(file.read({ start: end - 1_000, end }));
    expect(streamed).toBeLessThan(2_000_000);
  });
});

test('a job without answers has no file of them, and none of errors when every row has its answer', async () => {
  const [refused, answered] = [
    await endJob({ answers: 0, errors: 1, unfinished: 0 }),
    await endJob({ answers: 1, errors: 0, unfinished: 0 }),
  ];
  await expect(open(refused, 'answers')).rejects.toThrow('no answers');
  await expect(open(answered, 'errors')).rejects.toThrow('no errors');
  expect((await open(refused, 'errors')).bytes).toBeGreaterThan(0);
});

test('what a job never ran is an error file by itself', async () => {
  const job = await endJob({ answers: 1, errors: 0, unfinished: 2 });
  const rows = parseLines<{ custom_id: string; error: { code: string } }>(
    (await collect((await open(job, 'errors')).read())).toString(),
  );
  expect(rows.map(({ custom_id, error }) => [custom_id, error.code])).toEqual([
    ['row-1', 'batch_expired'],
    ['row-2', 'batch_expired'],
  ]);
});

test('a dataset that no job wrote is no output', async () => {
  const { accountId, inputDatasetId: datasetId } = await makeJob(store);
  expect(await openOutputFile({ store, objects }, { accountId, datasetId, kind: 'answers' })).toBeUndefined();
  expect(await openOutputFile({ store, objects }, { accountId, datasetId: 'none', kind: 'answers' })).toBeUndefined();
});
