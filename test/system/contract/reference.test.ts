/** The reference interaction with the original system, step by step, against the published program. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseLines } from '../../support/rows.ts';
import { type ContractServer, formOf, MODEL, type Reply, rowOf, SERVED_MODEL, startContractServer } from './server.ts';
import { BAD_KEY, NEW_DATASET, NEW_JOB, NO_PROGRESS, PROGRESS, refusal, TIME } from './shapes.ts';

/** What the engine does with a row now. */
const engine: { does: (marker: string) => 'hang' | { status: number } | undefined } = { does: () => undefined };
let server: ContractServer;
beforeAll(async () => {
  server = await startContractServer({ script: ({ marker }) => engine.does(marker) });
});
afterAll(() => server?.close());

const ROWS = rowOf('row-1') + rowOf('row-2');
/** Facts of one step that a later one needs. */
const seen = { datasetCreated: '', output: '' };
const idOf = (name: string): string => name.split('/').at(-1) ?? '';

test('1. a dataset entry is created: UPLOADING, with the declared count', async () => {
  const dataset = await server.post('datasets', { datasetId: 'in-01', dataset: { userUploaded: {}, exampleCount: '2' } });
  expect(dataset).toEqual({ ...NEW_DATASET, name: server.name('datasets/in-01'), exampleCount: '2' });
  expect(dataset.updateTime).toBe(dataset.createTime);
  expect(await server.get('datasets/in-01')).toEqual(dataset);
  seen.datasetCreated = dataset.createTime;
});

test('2. the file is uploaded as the multipart part "file"', async () => {
  const reply = await server.post('datasets/in-01:upload', formOf(ROWS, 'requests.jsonl'));
  expect(reply).toEqual({
    id: server.name('datasets/in-01'),
    object: 'file',
    bytes: ROWS.length,
    created_at: expect.any(Number),
    filename: 'requests.jsonl',
    purpose: 'dataset',
  });
  expect(reply.created_at * 1000).toBeGreaterThanOrEqual(Math.floor(Date.parse(seen.datasetCreated) / 1000) * 1000);
  expect(reply.created_at * 1000).toBeLessThanOrEqual(Date.now());
});

test('3. the dataset is READY, its tokens are estimated, its updateTime is later', async () => {
  const dataset = await server.get('datasets/in-01');
  expect(dataset).toEqual({
    ...NEW_DATASET,
    name: server.name('datasets/in-01'),
    state: 'READY',
    exampleCount: '2',
    estimatedTokenCount: String(Math.ceil(ROWS.length / 4)),
  });
  expect(dataset.createTime).toBe(seen.datasetCreated);
  expect(Date.parse(dataset.updateTime)).toBeGreaterThan(Date.parse(dataset.createTime));
});

test('4. the job is accepted: VALIDATING, every field there, its output dataset named at once', async () => {
  engine.does = (marker) => (marker === 'row-2' ? 'hang' : undefined);
  const before = Date.now();
  const job = await server.createJob('job-01', { model: MODEL, inputDatasetId: server.name('datasets/in-01') });
  expect(job).toEqual({
    ...NEW_JOB,
    name: server.name('batchInferenceJobs/job-01'),
    model: SERVED_MODEL,
    inputDatasetId: server.name('datasets/in-01'),
    outputDatasetId: expect.stringMatching(/^accounts\/local\/datasets\/bij-[a-z0-9]{8}$/),
  });
  const day = 24 * 3600_000;
  expect(Date.parse(job.expireTime)).toBeGreaterThanOrEqual(before - 1 + day);
  expect(Date.parse(job.expireTime)).toBeLessThanOrEqual(Date.parse(job.createTime) + day);
  seen.output = idOf(job.outputDatasetId);
  // The name is taken, the dataset is not there before it is written.
  expect((await server.ask('GET', `datasets/${seen.output}`)).status).toBe(404);
});

test('5. polled, it goes VALIDATING, PENDING, RUNNING to COMPLETED; progress and times appear as it does', async () => {
  const running = await server.untilState('job-01', 'RUNNING');
  expect(running).toMatchObject({
    jobProgress: { ...PROGRESS, percent: expect.any(Number), totalInputRequests: 2 },
    lifecycle: { validatedTime: TIME, runStartTime: TIME, endTime: null },
    status: { code: 'OK', message: '' },
  });
  expect(running.jobProgress.percent).toBeLessThan(100);
  expect(Date.parse(running.lifecycle.runStartTime)).toBeGreaterThanOrEqual(Date.parse(running.lifecycle.validatedTime));

  const half = await server.untilJob('job-01', ({ jobProgress }) => jobProgress.totalProcessedRequests === 1);
  expect(half.jobProgress).toEqual({
    percent: 50,
    epoch: 0,
    totalInputRequests: 2,
    totalProcessedRequests: 1,
    successfullyProcessedRequests: 1,
    failedRequests: 0,
    outputRows: 1,
    inputTokens: 10,
    outputTokens: 5,
    cachedInputTokenCount: 4,
  });
  engine.does = () => undefined;
  server.server.engine.cutConnections();

  const job = await server.untilState('job-01', 'COMPLETED');
  expect(job).toEqual({
    ...NEW_JOB,
    name: server.name('batchInferenceJobs/job-01'),
    state: 'JOB_STATE_COMPLETED',
    model: SERVED_MODEL,
    inputDatasetId: server.name('datasets/in-01'),
    outputDatasetId: server.name(`datasets/${seen.output}`),
    jobProgress: {
      percent: 100,
      epoch: 0,
      totalInputRequests: 2,
      totalProcessedRequests: 2,
      successfullyProcessedRequests: 2,
      failedRequests: 0,
      outputRows: 2,
      inputTokens: 20,
      outputTokens: 10,
      cachedInputTokenCount: 8,
    },
    lifecycle: { validatedTime: running.lifecycle.validatedTime, runStartTime: running.lifecycle.runStartTime, endTime: TIME },
  });
  const { events } = await server.get('batchInferenceJobs/job-01:events');
  const moves = events.filter(({ kind }: Reply) => kind === 'state-moved');
  expect(moves.map(({ details }: Reply) => details.to)).toEqual([
    'VALIDATING',
    'PENDING',
    'RUNNING',
    'WRITING_RESULTS',
    'COMPLETED',
  ]);
});

test('6. the output dataset has two files, under the keys that clients look for', async () => {
  const { filenameToSignedUrls, ...rest } = await server.get(`datasets/${seen.output}:getDownloadEndpoint`);
  expect(rest).toEqual({});
  expect(filenameToSignedUrls).toEqual({
    [`dataset/${seen.output}/BIJOutputSet.jsonl`]: expect.stringMatching(/^http:/),
    [`dataset/${seen.output}/error-data`]: expect.stringMatching(/^http:/),
  });
  const { userUploaded: _, ...written } = NEW_DATASET;
  expect(await server.get(`datasets/${seen.output}`)).toEqual({
    ...written,
    name: server.name(`datasets/${seen.output}`),
    state: 'READY',
    exampleCount: '2',
    sourceJobName: server.name('batchInferenceJobs/job-01'),
    estimatedTokenCount: expect.stringMatching(/^[1-9]\d*$/),
  });
});

test('7. both are fetched without authorization: each success a flat chat completion, nothing in the other file', async () => {
  const files = await server.download(seen.output);
  const completion = (id: string) => ({
    custom_id: id,
    response: {
      id: expect.stringMatching(/^chatcmpl-/),
      object: 'chat.completion',
      created: expect.any(Number),
      model: expect.any(String),
      choices: [{ index: 0, message: { role: 'assistant', content: id }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15, prompt_tokens_details: { cached_tokens: 4 } },
    },
  });
  expect(parseLines(files[`dataset/${seen.output}/BIJOutputSet.jsonl`] ?? '')).toEqual([
    completion('row-1'),
    completion('row-2'),
  ]);
  expect(files[`dataset/${seen.output}/error-data`]).toBe('');
});

test('8. a bad role in a row fails the whole job: no run, no times, no progress, no output dataset', async () => {
  const bad = '{"custom_id":"x","body":{"messages":[{"role":"system","content":"a"},{"role":"robot","content":"b"}]}}\n';
  await server.upload('in-bad', ROWS + bad);
  await server.createJob('job-bad', { model: MODEL, inputDatasetId: 'in-bad', outputDatasetId: 'out-bad' });
  const job = await server.untilState('job-bad', 'FAILED');
  expect(job).toEqual({
    ...NEW_JOB,
    name: server.name('batchInferenceJobs/job-bad'),
    state: 'JOB_STATE_FAILED',
    status: {
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(
        /^Dataset has a syntax error: chat dataset validation failed on in-bad\.jsonl:3: invalid role robot in message \d, must be 'system', 'user', 'assistant' or 'tool'$/,
      ),
    },
    model: SERVED_MODEL,
    inputDatasetId: server.name('datasets/in-bad'),
    outputDatasetId: server.name('datasets/out-bad'),
    jobProgress: NO_PROGRESS,
    lifecycle: { validatedTime: null, runStartTime: null, endTime: TIME },
  });
  for (const path of ['datasets/out-bad', 'datasets/out-bad:getDownloadEndpoint']) {
    const { status, body } = await server.ask('GET', path);
    expect({ status, body }).toEqual({ status: 404, body: refusal(5, expect.stringMatching(/^resource not found/)) });
  }
});

test('9. deleted while it runs, it reads DELETING_CLEANING_UP for a while and then is gone', async () => {
  engine.does = () => 'hang';
  await server.createJob('job-doomed', { model: MODEL, inputDatasetId: 'in-01' });
  await server.untilState('job-doomed', 'RUNNING');
  const { status, body } = await server.ask('DELETE', 'batchInferenceJobs/job-doomed');
  expect({ status, body }).toEqual({ status: 200, body: {} });
  expect(await server.get('batchInferenceJobs/job-doomed')).toMatchObject({ state: 'JOB_STATE_DELETING_CLEANING_UP' });
  const read = async () => (await server.ask('GET', 'batchInferenceJobs/job-doomed')).status;
  await expect.poll(read, { timeout: 120_000, interval: 100 }).toBe(404);
});

test.each([
  ['GET', 'batchInferenceJobs'],
  ['GET', 'datasets/in-01'],
  ['POST', 'batchInferenceJobs'],
  ['DELETE', 'datasets/in-01'],
  ['GET', 'datasets/nothing:getDownloadEndpoint'],
  ['GET', '/accounts/somebody-else/models'],
])('10. a bad key gets 403 and the envelope of the front end: %s %s', async (method, path) => {
  const { status, body } = await server.ask(method, path, { key: 'fw_wrong' });
  expect({ status, body }).toEqual({ status: 403, body: BAD_KEY });
});

test('11. a job is continued without model and input, or with another model', async () => {
  engine.does = (marker) => (marker === 'row-2' ? { status: 400 } : undefined);
  await server.createJob('job-11', {
    model: MODEL,
    inputDatasetId: 'in-01',
    outputDatasetId: server.name('datasets/out-01'),
    inferenceParameters: { maxTokens: 9 },
  });
  await server.untilState('job-11', 'COMPLETED');
  const continuedFromJobName = server.name('batchInferenceJobs/job-11');
  const continued = await server.post('batchInferenceJobs', {
    continuedFromJobName,
    outputDatasetId: server.name('datasets/out-02'),
  });
  expect(continued).toEqual({
    ...NEW_JOB,
    name: expect.stringMatching(/^accounts\/local\/batchInferenceJobs\/[a-z][a-z0-9]{7,9}$/),
    model: SERVED_MODEL,
    inputDatasetId: server.name('datasets/in-01'),
    outputDatasetId: server.name('datasets/out-02'),
    inferenceParameters: { extraBody: '{}', maxTokens: 9 },
    continuedFromJobName,
  });
  const job = await server.untilState(idOf(continued.name), 'COMPLETED');
  expect(job).toMatchObject({ continuedFromJobName, jobProgress: { totalInputRequests: 1, failedRequests: 1 } });

  engine.does = () => undefined;
  await server.createJob('job-11c', { continuedFromJobName: idOf(continued.name), model: 'echo', outputDatasetId: 'out-03' });
  expect(await server.untilState('job-11c', 'COMPLETED')).toMatchObject({
    model: 'accounts/boatload/models/echo',
    jobProgress: { totalInputRequests: 1, successfullyProcessedRequests: 1 },
  });
  const files = await server.download('out-03', '?downloadLineage=true');
  expect(Object.keys(files)).toEqual(
    ['out-01', 'out-02', 'out-03'].flatMap((id) => [`dataset/${id}/BIJOutputSet.jsonl`, `dataset/${id}/error-data`]),
  );
});
