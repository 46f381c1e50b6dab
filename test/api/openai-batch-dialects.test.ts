import OpenAI, { toFile } from 'openai';
import type OpenAI6 from 'openai-6';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Batch, type Batch as OurBatch, toCompletionWindow } from '../../src/contract/openai/batch.ts';
import { allIds, contentOf, makeRow, makeRows, parseLines } from '../support/rows.ts';
import { ENDPOINT, openaiRow, openBatchRoom } from './openai-batch-room.ts';

let room: Awaited<ReturnType<typeof openBatchRoom>>;
beforeAll(async () => {
  room = await openBatchRoom({
    limits: { datasetBytes: 100_000, window: { minSeconds: 1_800, maxSeconds: 7 * 86_400, defaultSeconds: 86_400 } },
  });
});
afterAll(() => room.close());

const someRows = makeRows(4, (row) => openaiRow(row, row === 1 ? 'refused' : undefined));

/** What the service sends as null, the clients' types know as absent only. */
type WithoutNulls<T> = { [Key in keyof T]: Exclude<T[Key], null> };

/** These compile only while our objects are what the clients' types say. */
const toClient7 = (batch: WithoutNulls<OurBatch>): OpenAI.Batch => batch;
const toClient6 = (batch: WithoutNulls<OurBatch>): OpenAI6.Batch => batch;

test('a batch has the fields that the clients know, and no others', async () => {
  const batch = await room.createBatch(room.clients[7], someRows);
  const { success, data } = Batch.strict().safeParse(JSON.parse(JSON.stringify(batch)));
  expect(success).toBe(true);
  const ours = data as WithoutNulls<OurBatch>; // Which of them are null is not what is looked at here.
  expect([toClient7(ours).id, toClient6(ours).id]).toEqual([batch.id, batch.id]);
});

describe('a job of the other dialect', () => {
  test('is a batch, its input and output are files', async () => {
    await room.door.uploadDataset('fw-in', makeRows(4, (row) => makeRow(row)).replace('[[row-00001]]', '[[refused]]'));
    await room.door.createJob('fw-job', { model: 'tickets', inputDatasetId: 'fw-in', outputDatasetId: 'fw-out' });
    await room.door.untilState('fw-job', 'COMPLETED');
    const client = room.clients[6];
    const batch = await client.batches.retrieve('batch_fw-job');
    expect(batch).toMatchObject({
      endpoint: '',
      model: 'tickets',
      status: 'completed',
      completion_window: '24h',
      input_file_id: 'file-fw-in',
      output_file_id: 'file-fw-out',
      error_file_id: 'file-fw-out.errors',
      request_counts: { total: 4, completed: 3, failed: 1 },
    });
    const [answers, errors] = [
      await room.readRows(client, batch.output_file_id),
      await room.readRows(client, batch.error_file_id),
    ];
    const ids = allIds(4);
    expect(answers.map(({ custom_id }) => custom_id)).toEqual([ids[0], ids[2], ids[3]]);
    expect(errors.map(({ custom_id, response }) => [custom_id, response?.status_code])).toEqual([[ids[1], 400]]);
    expect((await client.batches.list({ limit: 100 })).data.map(({ id }) => id)).toContain('batch_fw-job');
  });

  test('sees a batch as a job, its files as datasets with files of its own shape', async () => {
    const client = room.clients[7];
    const batch = await room.untilStatus(client, await room.createBatch(client, someRows), 'completed');
    const id = batch.id.replace('batch_', '');
    const [inputId, outputId] = [batch.input_file_id, batch.output_file_id ?? ''].map((file) => file.replace('file-', ''));
    expect(await room.door.readJob(id)).toMatchObject({
      state: 'JOB_STATE_COMPLETED',
      model: 'accounts/boatload/models/tickets',
      inputDatasetId: `accounts/acme/datasets/${inputId}`,
      outputDatasetId: `accounts/acme/datasets/${outputId}`,
      jobProgress: { totalInputRequests: 4, successfullyProcessedRequests: 3, failedRequests: 1 },
    });
    const { results, errors } = await room.door.readOutput(outputId ?? '');
    expect(results.map(contentOf)).toEqual([0, 2, 3].map((row) => expect.stringContaining(allIds(4)[row] ?? '')));
    expect(errors).toMatchObject([{ custom_id: 'row-00001', error: { code: 400, message: 'no such thing' } }]);
  });

  test('is not shown what never ran, which is in no file of the dataset', async () => {
    const client = room.clients[7];
    const batch = await room.createBatch(
      client,
      makeRows(3, (row) => openaiRow(row, row === 0 ? undefined : `slow dialect ${row}`)),
    );
    await room.until(client, batch, ({ request_counts: counts }) => counts?.completed === 1);
    await client.batches.cancel(batch.id);
    const ended = await room.untilStatus(client, batch, 'cancelled');
    const outputId = ended.output_file_id?.replace('file-', '') ?? '';
    expect(Object.keys(await room.door.download(outputId)).sort()).toEqual([
      `dataset/${outputId}/BIJOutputSet.jsonl`,
      `dataset/${outputId}/error-data`,
    ]);
    expect((await room.door.readOutput(outputId)).errors).toEqual([]);
    expect((await room.readRows(client, ended.error_file_id)).map(({ error }) => error?.code)).toEqual([
      'batch_cancelled',
      'batch_cancelled',
    ]);
    const listKept = async () => (await room.door.objectKeys()).filter((key) => key.endsWith('/unfinished'));
    expect(await listKept()).toHaveLength(1);
    await client.files.delete(ended.error_file_id ?? '');
    expect(await listKept()).toEqual([]);
  });

  test('continues a batch with the rows that it left', async () => {
    const client = room.clients[7];
    const batch = await room.createBatch(
      client,
      makeRows(3, (row) => openaiRow(row, row === 0 ? undefined : `slow chain ${row}`)),
    );
    await room.until(client, batch, ({ request_counts: counts }) => counts?.completed === 1);
    await client.batches.cancel(batch.id);
    await room.untilStatus(client, batch, 'cancelled');
    room.engine.isHanging = false;
    await room.door.createJob('rest', { continuedFromJobName: batch.id.replace('batch_', ''), outputDatasetId: 'rest-out' });
    await room.door.untilState('rest', 'COMPLETED');
    room.engine.isHanging = true;
    const rest = await client.batches.retrieve('batch_rest');
    expect(rest).toMatchObject({ endpoint: ENDPOINT, model: 'tickets', request_counts: { total: 2, completed: 2, failed: 0 } });
    expect((await room.readRows(client, rest.output_file_id)).map(({ custom_id }) => custom_id)).toEqual(allIds(3).slice(1));
  });
});

describe('a batch is refused', () => {
  const create = (changes: object) => async () => {
    const input_file_id = await room.upload(room.clients[7], someRows);
    return room.clients[7].batches.create({ input_file_id, endpoint: ENDPOINT, completion_window: '24h', ...changes });
  };
  const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, 'v']));
  const day = { anchor: 'created_at', seconds: 86_400 };

  test.each([
    ['no id of a file', { input_file_id: 'in-01' }, 400, 'input_file_id'],
    ['an error file', { input_file_id: 'file-a.errors' }, 400, 'input_file_id'],
    ['an unknown file', { input_file_id: 'file-none' }, 404, 'input_file_id'],
    ['an unknown endpoint', { endpoint: '/v1/moderations' }, 400, 'endpoint'],
    ['a window that is none', { completion_window: 'soon' }, 400, 'completion_window'],
    ['a window beyond the limits', { completion_window: '8d' }, 400, 'completion_window'],
    ['seventeen labels', { metadata: pairs(17) }, 400, 'metadata'],
    ['a long key', { metadata: { ['k'.repeat(65)]: 'v' } }, 400, `metadata.${'k'.repeat(65)}`],
    ['a long text', { metadata: { k: 'v'.repeat(513) } }, 400, 'metadata.k'],
    ['a text that no database keeps', { metadata: { k: 'a\u0000b' } }, 400, null],
    ['an output that ends too soon', { output_expires_after: { ...day, seconds: 3_599 } }, 400, 'output_expires_after.seconds'],
    ['another anchor', { output_expires_after: { ...day, anchor: 'last_used_at' } }, 400, 'output_expires_after.anchor'],
    ['a field that is none', { surprise: 1 }, 400, 'surprise'],
  ])('with %s', async (_, changes, status, param) => {
    await expect(create(changes)()).rejects.toMatchObject({ status, param, requestID: expect.any(String) });
  });

  test('with a file that was sent for something else', async () => {
    const file = await room.clients[7].files.create({
      file: await toFile(Buffer.from(someRows), 'a.jsonl'),
      purpose: 'fine-tune',
    });
    await expect(create({ input_file_id: file.id })()).rejects.toMatchObject({ status: 400, param: 'input_file_id' });
  });

  test('before it has a file: an empty one, and one over the limit', async () => {
    await expect(room.upload(room.clients[7], '')).rejects.toBeInstanceOf(OpenAI.APIError);
    await expect(room.upload(room.clients[7], 'x'.repeat(100_001))).rejects.toBeInstanceOf(OpenAI.APIError);
    expect((await room.clients[7].files.list()).data.filter(({ bytes }) => bytes === 0 || bytes > 100_000)).toEqual([]);
  });
});

test('other windows than a day are kept as they were asked for', async () => {
  for (const window of ['30m', '1h', '36h', '2d', '7d']) {
    const batch = await room.createBatch(room.clients[7], someRows, { completion_window: window });
    expect([batch.completion_window, (batch.expires_at ?? 0) - batch.created_at]).toEqual([window, secondsOf(window)]);
  }
  expect(toCompletionWindow(86_400)).toBe('24h');
});

const secondsOf = (window: string): number =>
  Number(window.slice(0, -1)) * ({ m: 60, h: 3600, d: 86_400 }[window.slice(-1)] ?? 0);

test('sixteen labels are kept, and the output says when it ends', async () => {
  const client = room.clients[7];
  const metadata = Object.fromEntries(Array.from({ length: 16 }, (_, n) => [`${n}`.padEnd(64, 'k'), 'ü'.repeat(512)]));
  const created = await room.createBatch(client, someRows, {
    metadata,
    output_expires_after: { anchor: 'created_at', seconds: 3_600 },
  });
  const batch = await room.untilStatus(client, created, 'completed');
  expect(batch.metadata).toEqual(metadata);
  for (const id of [batch.output_file_id, batch.error_file_id]) {
    const file = await client.files.retrieve(id ?? '');
    expect(file.expires_at).toBe(file.created_at + 3_600);
  }
});

test('any range of an output file can be read, as it is', async () => {
  const client = room.clients[7];
  const batch = await room.untilStatus(client, await room.createBatch(client, someRows), 'completed');
  const whole = await (await client.files.content(batch.output_file_id ?? '')).text();
  const part = await client.files.content(batch.output_file_id ?? '', { headers: { range: 'bytes=100-299' } });
  expect([part.status, await part.text()]).toEqual([206, whole.slice(100, 300)]);
  expect(parseLines(whole)).toHaveLength(3);
});
