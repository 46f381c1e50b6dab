/** A job as its owner sees it from RUNNING to the end. No worker runs here: what one would write is written by its own statements. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cleanUpDeletedJobs } from '../../src/actions/delete-job.ts';
import { endJobEarly } from '../../src/db/queries/end-job-early.ts';
import { failValidation } from '../../src/db/queries/fail-validation.ts';
import { findJob } from '../../src/db/queries/find-job.ts';
import { finishJob } from '../../src/db/queries/finish-job.ts';
import { startPlannedJob } from '../../src/db/queries/start-planned-job.ts';
import type { Job } from '../../src/jobs/job.ts';
import type { ShardLease } from '../../src/jobs/leases.ts';
import { openDoor } from './door.ts';

const JOBS = '/v1/accounts/acme/batchInferenceJobs';
let door: Awaited<ReturnType<typeof openDoor>>;
beforeAll(async () => {
  door = await openDoor();
  await door.makeDataset('in');
});
afterAll(() => door.close());

const read = async (id: string) => (await door.askJson(`${JOBS}/${id}`)).body;
const begin = async (id: string): Promise<Job> => {
  await door.askJson(`${JOBS}?batchInferenceJobId=${id}`, {
    body: { model: 'tickets', inputDatasetId: 'in', outputDatasetId: `${id}-out` },
  });
  const job = await findJob(door.context.store.db, 'acme', id);
  if (job === undefined) throw new Error('no job');
  return job;
};
/** What the planner does: three rows, one shard. */
const plan = async ({ uid }: Job) => {
  await door.context.objects.put(`jobs/${uid}/plan`, Buffer.from('plan'));
  const shards = [{ first: 0, count: 3 }];
  await startPlannedJob(door.context.store, uid, {
    totalRows: 3,
    inputRows: 3,
    rowFormat: 'fireworks',
    planKey: `jobs/${uid}/plan`,
    shards,
  });
};
const take = async (): Promise<ShardLease> => {
  const [lease] = await door.context.store.leases.take(1);
  if (lease === undefined) throw new Error('no shard');
  return lease;
};
/** What a worker does with two rows that were answered and one that was not. */
const commit = async ({ jobUid, shard, epoch }: ShardLease) => {
  const objectKey = `jobs/${jobUid}/parts/1`;
  await door.context.objects.put(objectKey, Buffer.from('part'));
  const counts = { ok: 2, failed: 1, inputTokens: 126, outputTokens: 30, cachedTokens: 82, bytes: 300 };
  return door.context.store.leases.commit([{ jobUid, shard, epoch, objectKey, rows: [[0, 3]], failedRows: [[2, 3]], ...counts }]);
};
/** What the merge does. */
const finish = async ({ uid }: Job) => {
  const texts = { 'BIJOutputSet.jsonl': '{"custom_id":"a"}\n{"custom_id":"b"}\n', 'error-data': '{"custom_id":"c"}\n' };
  const files = Object.entries(texts).map(([name, text]) => ({
    name,
    objectKey: `outputs/${uid}/${name}`,
    bytes: text.length,
    rows: text.split('\n').length - 1,
    sha256: 'x',
  }));
  await Promise.all(
    Object.entries(texts).map(([name, text]) => door.context.objects.put(`outputs/${uid}/${name}`, Buffer.from(text))),
  );
  await finishJob(door.context.store, uid, { files, at: door.clock.now() });
};

test('a job is seen through its life, and its answers are downloaded', async () => {
  const job = await begin('whole');
  await plan(job);
  const nothing = {
    epoch: 0,
    totalInputRequests: 3,
    totalProcessedRequests: 0,
    successfullyProcessedRequests: 0,
    failedRequests: 0,
    outputRows: 0,
  };
  const noTokens = { inputTokens: 0, outputTokens: 0, cachedInputTokenCount: 0 };
  expect(await read('whole')).toMatchObject({
    state: 'JOB_STATE_PENDING',
    jobProgress: { percent: 0, ...nothing, ...noTokens },
    lifecycle: { validatedTime: expect.stringMatching(/Z$/), runStartTime: null, endTime: null },
  });
  const lease = await take();
  expect(await commit(lease)).toEqual([true]);
  const done = {
    totalInputRequests: 3,
    totalProcessedRequests: 3,
    successfullyProcessedRequests: 2,
    failedRequests: 1,
    outputRows: 3,
  };
  const tokens = { inputTokens: 126, outputTokens: 30, cachedInputTokenCount: 82 };
  expect(await read('whole')).toMatchObject({
    state: 'JOB_STATE_RUNNING',
    jobProgress: { percent: 99, ...done, ...tokens },
    lifecycle: { runStartTime: expect.any(String), endTime: null },
  });
  expect((await door.ask('/v1/accounts/acme/datasets/whole-out:getDownloadEndpoint')).status).toBe(404);
  await door.context.store.leases.settle(lease);
  expect(await read('whole')).toMatchObject({ state: 'JOB_STATE_WRITING_RESULTS', jobProgress: { percent: 99 } });
  await finish(job);
  expect(await read('whole')).toMatchObject({
    state: 'JOB_STATE_COMPLETED',
    status: { code: 'OK', message: '' },
    jobProgress: { percent: 100, ...done, ...tokens },
    lifecycle: { endTime: door.clock.now().toISOString() },
  });
  const output = await door.askJson('/v1/accounts/acme/datasets/whole-out');
  expect(output.body).toMatchObject({
    state: 'READY',
    sourceJobName: 'accounts/acme/batchInferenceJobs/whole',
    exampleCount: '3',
  });
  expect(output.body).not.toHaveProperty('userUploaded');
  const { body } = await door.askJson('/v1/accounts/acme/datasets/whole-out:getDownloadEndpoint');
  expect(Object.keys(body.filenameToSignedUrls).toSorted()).toEqual([
    'dataset/whole-out/BIJOutputSet.jsonl',
    'dataset/whole-out/error-data',
  ]);
  const url = new URL(body.filenameToSignedUrls['dataset/whole-out/error-data'] ?? '');
  expect(await (await door.ask(url.pathname + url.search, { key: null })).text()).toBe('{"custom_id":"c"}\n');
});

test('a job whose input is bad shows why, with its times and a progress of zeros', async () => {
  const job = await begin('bad');
  const statusMessage =
    "Dataset has a syntax error: chat dataset validation failed on in.jsonl:2: invalid role robot in message 1, must be 'system', 'user', 'assistant' or 'tool'";
  await failValidation(door.context.store.db, job.uid, {
    statusCode: 'INVALID_ARGUMENT',
    statusMessage,
    reportKey: `jobs/${job.uid}/bad-lines.jsonl`,
  });
  expect(await read('bad')).toMatchObject({
    state: 'JOB_STATE_FAILED',
    status: { code: 'INVALID_ARGUMENT', message: statusMessage },
    jobProgress: { percent: 0, totalInputRequests: 0, totalProcessedRequests: 0 },
    lifecycle: { validatedTime: null, runStartTime: null, endTime: expect.any(String) },
  });
  expect((await door.ask('/v1/accounts/acme/datasets/bad-out')).status).toBe(404);
});

test('a job that expired says so and keeps what was finished', async () => {
  const job = await begin('late');
  await plan(job);
  await commit(await take());
  await endJobEarly(door.context.store, job.uid, {
    outcome: 'EXPIRED',
    statusCode: 'DEADLINE_EXCEEDED',
    statusMessage: 'The window has closed.',
  });
  await finish(job);
  expect(await read('late')).toMatchObject({
    state: 'JOB_STATE_EXPIRED',
    status: { code: 'DEADLINE_EXCEEDED', message: 'The window has closed.' },
    jobProgress: { totalProcessedRequests: 3 },
  });
});

test('a job that has not been read yet is cancelled at once, and asking again is harmless', async () => {
  await begin('early');
  const cancelled = await door.askJson(`${JOBS}/early:cancel`, { method: 'POST' });
  expect(cancelled).toMatchObject({
    status: 200,
    body: { state: 'JOB_STATE_CANCELLED', status: { code: 'CANCELLED' }, lifecycle: { endTime: expect.any(String) } },
  });
  expect(await door.askJson(`${JOBS}/early:cancel`, { method: 'POST', body: '{}' })).toEqual(cancelled);
});

test('a running job reads CANCELLING while its workers hand in what they have, and CANCELLED when that is written', async () => {
  const job = await begin('midway');
  await plan(job);
  const lease = await take();
  expect((await door.askJson(`${JOBS}/midway:cancel`, { method: 'POST' })).body).toMatchObject({ state: 'JOB_STATE_CANCELLING' });
  expect((await door.askJson(`${JOBS}/midway:cancel`, { method: 'POST' })).body).toMatchObject({ state: 'JOB_STATE_CANCELLING' });
  expect(await commit(lease)).toEqual([true]);
  await endJobEarly(door.context.store, job.uid, {
    outcome: 'CANCELLED',
    statusCode: 'CANCELLED',
    statusMessage: 'Cancelled on request.',
  });
  await finish(job);
  expect(await read('midway')).toMatchObject({
    state: 'JOB_STATE_CANCELLED',
    jobProgress: { percent: 100, totalProcessedRequests: 3 },
  });
});

test('a job that has ended is not cancelled', async () => {
  expect(await door.askJson(`${JOBS}/whole:cancel`, { method: 'POST' })).toMatchObject({
    status: 400,
    body: { code: 9, details: [{ reason: 'JOB_ENDED', metadata: { state: 'COMPLETED' } }] },
  });
});

test('a continuation inherits model, input and settings, and is refused while its parent runs', async () => {
  const continued = await door.askJson(`${JOBS}?batchInferenceJobId=more`, {
    body: { continuedFromJobName: 'accounts/acme/batchInferenceJobs/late', outputDatasetId: 'more-out' },
  });
  expect(continued).toMatchObject({
    status: 200,
    body: {
      model: 'accounts/boatload/models/tickets',
      inputDatasetId: 'accounts/acme/datasets/in',
      continuedFromJobName: 'accounts/acme/batchInferenceJobs/late',
    },
  });
  const refused = await door.askJson(JOBS, { body: { continuedFromJobName: 'more' } });
  expect(refused).toMatchObject({ status: 400, body: { code: 9, details: [{ reason: 'JOB_NOT_ENDED' }] } });
  const missing = await door.askJson(JOBS, { body: { continuedFromJobName: 'nope' } });
  expect(missing).toMatchObject({ status: 404, body: { code: 5 } });
});

test('a job that has ended is deleted with what it left; its output dataset stays', async () => {
  const { uid } = (await findJob(door.context.store.db, 'acme', 'whole')) ?? { uid: '' };
  expect((await door.objectKeys()).filter((key) => key.startsWith(`jobs/${uid}/`))).not.toEqual([]);
  expect(await door.askJson(`${JOBS}/whole`, { method: 'DELETE' })).toEqual({ status: 200, body: {} });
  expect(await door.askJson(`${JOBS}/whole`)).toMatchObject({
    status: 404,
    body: { code: 5, message: 'resource not found: accounts/acme/batchInferenceJobs/whole' },
  });
  expect((await door.objectKeys()).filter((key) => key.startsWith(`jobs/${uid}/`))).toEqual([]);
  const { body } = await door.askJson('/v1/accounts/acme/datasets/whole-out:getDownloadEndpoint');
  const url = new URL(body.filenameToSignedUrls['dataset/whole-out/BIJOutputSet.jsonl'] ?? '');
  expect((await door.ask(url.pathname + url.search, { key: null })).status).toBe(200);
});

test('a running job that is deleted reads DELETING_CLEANING_UP, commits no more, and is gone when its workers had time to notice', async () => {
  const job = await begin('doomed');
  await plan(job);
  const lease = await take();
  await commit(lease);
  await door.context.objects.put(`outputs/${job.uid}/BIJOutputSet.jsonl`, Buffer.from('half a merge'));
  expect(await door.askJson(`${JOBS}/doomed`, { method: 'DELETE' })).toEqual({ status: 200, body: {} });
  expect(await read('doomed')).toMatchObject({ state: 'JOB_STATE_DELETING_CLEANING_UP' });
  expect(await door.askJson(`${JOBS}/doomed`, { method: 'DELETE' })).toEqual({ status: 200, body: {} });
  expect(
    await door.context.store.leases.commit([
      {
        ...lease,
        objectKey: 'x',
        rows: [[0, 1]],
        failedRows: [],
        ok: 1,
        failed: 0,
        inputTokens: 0,
        outputTokens: 0,
        cachedTokens: 0,
        bytes: 1,
      },
    ]),
  ).toEqual([false]);
  expect(await cleanUpDeletedJobs(door.context)).toBe(0);
  door.clock.time += 60_000;
  expect(await cleanUpDeletedJobs(door.context)).toBe(1);
  expect((await door.ask(`${JOBS}/doomed`)).status).toBe(404);
  expect((await door.objectKeys()).filter((key) => key.includes(job.uid))).toEqual([]);
});

test('jobs are listed oldest first, newest first on demand, page by page', async () => {
  const own = { key: door.keys.bob };
  await door.askJson('/v1/accounts/bob/datasets', { ...own, body: { datasetId: 'in' } });
  const form = new FormData();
  form.set('file', new Blob(['{}\n']), 'in.jsonl');
  await door.askJson('/v1/accounts/bob/datasets/in:upload', { ...own, body: form });
  for (const id of ['first', 'second', 'third']) {
    door.clock.time += 1000;
    await door.askJson(`/v1/accounts/bob/batchInferenceJobs?batchInferenceJobId=${id}`, {
      ...own,
      body: { model: 'tickets', inputDatasetId: 'in' },
    });
  }
  const list = async (query: string) => {
    const { body } = await door.askJson(`/v1/accounts/bob/batchInferenceJobs?readMask=name&${query}`, own);
    return {
      ids: body.batchInferenceJobs.map(({ name }) => name.split('/').at(-1)),
      token: body.nextPageToken,
      total: body.totalSize,
    };
  };
  expect(await list('')).toEqual({ ids: ['first', 'second', 'third'], token: '', total: 3 });
  const page = await list('orderBy=create_time%20desc&pageSize=2');
  expect(page).toEqual({ ids: ['third', 'second'], token: expect.stringMatching(/./), total: 3 });
  expect(await list(`orderBy=create_time%20desc&pageSize=2&pageToken=${encodeURIComponent(page.token)}`)).toEqual({
    ids: ['first'],
    token: '',
    total: 3,
  });
});
