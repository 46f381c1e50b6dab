import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { startHttpEngine } from '../support/http-engine.ts';
import { boatload } from '../support/program.ts';
import { allIds, contentOf, makeRow, makeRows, parseLines, questionOf } from '../support/rows.ts';
import { isOver, startServer } from './server.ts';

/** A job that has just been created, as the original system answers it; ours may say more. */
const CREATED = {
  name: 'accounts/local/batchInferenceJobs/first',
  displayName: '',
  createdBy: expect.any(String),
  createTime: expect.stringMatching(/^\d{4}-.*Z$/),
  updateTime: expect.stringMatching(/Z$/),
  expireTime: expect.stringMatching(/Z$/),
  maxJobDuration: null,
  state: 'JOB_STATE_VALIDATING',
  status: { code: 'OK', message: '' },
  model: 'accounts/boatload/models/echo',
  inputDatasetId: 'accounts/local/datasets/in',
  outputDatasetId: 'accounts/local/datasets/out',
  inferenceParameters: { extraBody: '{}', maxTokens: 256 },
  precision: expect.any(String),
  systemPrompt: '',
  continuedFromJobName: '',
  jobProgress: null,
  lifecycle: null,
  placement: null,
  waitingOnCapacity: false,
};

/** One that echo refuses, which knows no tokens. */
const BAD_ROW = 7;
const toOpenAiRow = (row: number): object =>
  row === BAD_ROW
    ? { ...makeRow(row), method: 'POST', url: '/v1/completions', body: { prompt: [5] } }
    : { ...makeRow(row), method: 'POST', url: '/v1/chat/completions' };

describe('boatload up', () => {
  test('takes a dataset, runs a job, hands out both files, and deletes what it is told to', async () => {
    const cwd = await makeFolder();
    const server = await startServer(cwd);
    await server.upload('in', makeRows(40, toOpenAiRow));
    const wish = { model: 'echo', inputDatasetId: 'in', outputDatasetId: 'out', inferenceParameters: { maxTokens: 256 } };
    expect(await server.createJob('first', wish)).toMatchObject(CREATED);
    expect(await server.ask('POST', 'batchInferenceJobs?batchInferenceJobId=first', wish)).toMatchObject({
      status: 409,
      body: { code: 6 },
    });

    const job = await server.waitForJob('first', isOver);
    expect(Object.keys(job)).toEqual(expect.arrayContaining(Object.keys(CREATED)));
    expect(job).toMatchObject({
      state: 'JOB_STATE_COMPLETED',
      status: { code: 'OK', message: '' },
      lifecycle: { validatedTime: expect.any(String), runStartTime: expect.any(String), endTime: expect.any(String) },
      jobProgress: {
        percent: 100,
        epoch: 0,
        totalInputRequests: 40,
        totalProcessedRequests: 40,
        successfullyProcessedRequests: 39,
        failedRequests: 1,
        outputRows: 40,
      },
    });

    const { body: links } = await server.ask('GET', 'datasets/out:getDownloadEndpoint');
    const files = Object.entries<string>(links.filenameToSignedUrls);
    // The links carry their own credentials.
    const texts = await Promise.all(
      files.map(async ([name, url]) => [name.split('/').at(-1), await (await fetch(url)).text()] as const),
    );
    const { 'BIJOutputSet.jsonl': answers = '', 'error-data': failures = '' } = Object.fromEntries(texts);
    expect(texts).toHaveLength(2);
    expect(parseLines(answers).map(({ custom_id }) => custom_id)).toEqual(allIds(40).filter((_, row) => row !== BAD_ROW));
    expect(contentOf(parseLines(answers)[0])).toBe(questionOf(0));
    expect(parseLines(failures)).toMatchObject([
      { custom_id: 'row-00007', error: { code: 400, message: expect.stringContaining('prompt') } },
    ]);
    const spent = parseLines(answers).reduce((sum, { response }) => sum + (response?.usage.completion_tokens ?? 0), 0);
    expect(job.jobProgress.outputTokens).toBe(spent);
    expect((await server.ask('GET', 'datasets/out')).body).toMatchObject({ state: 'READY', sourceJobName: CREATED.name });

    expect(await server.ask('DELETE', 'batchInferenceJobs/first')).toEqual({ status: 200, body: {} });
    expect(await server.ask('DELETE', 'datasets/in')).toEqual({ status: 200, body: {} });
    expect(await server.ask('GET', 'datasets/in')).toMatchObject({ status: 404, body: { code: 5 } });
    expect((await server.ask('GET', 'datasets/out')).status).toBe(200);
  });

  test('fails a job with a bad file in the words that clients know, and writes no output', async () => {
    const cwd = await makeFolder();
    const server = await startServer(cwd);
    const bad = JSON.stringify({ custom_id: 'bad', body: { messages: [{ role: 'developer', content: 'x' }] } });
    await server.upload('bad', `${makeRows(2)}${bad}\n`);
    await server.createJob('bad', { model: 'echo', inputDatasetId: 'bad', outputDatasetId: 'bad-out' });
    const job = await server.waitForJob('bad', isOver);
    expect(job).toMatchObject({ state: 'JOB_STATE_FAILED', status: { code: 'INVALID_ARGUMENT' } });
    expect(job.status.message).toBe(
      "Dataset has a syntax error: chat dataset validation failed on bad.jsonl:3: invalid role developer in message 1, must be 'system', 'user', 'assistant' or 'tool'",
    );
    expect((await server.ask('GET', 'datasets/bad-out')).status).toBe(404);
    expect((await server.ask('GET', 'datasets/bad-out:getDownloadEndpoint')).status).toBe(404);
  });

  test('has its folder to itself, says so to a second one, and goes down clean', async () => {
    const cwd = await makeFolder();
    const server = await startServer(cwd);
    const second = await boatload(['up', '--json', '--port', '0', '--data-dir', 'data'], { cwd });
    expect(second).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(server.url) });
    expect(second.stderr).toMatch(/--data-dir.*\[DATA_DIR_IN_USE\]/);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${server.url}/v1/accounts/local/datasets`, { headers: { authorization: 'Bearer wrong' } })).status).toBe(
      403,
    );
    server.program.signal('SIGTERM');
    expect(await server.program.ended).toMatchObject({ code: 0 });
    expect(existsSync(join(cwd, 'data/server.json'))).toBe(false);
    // The key is good for the next start too.
    const again = await startServer(cwd);
    expect(again.apiKey).toBe(server.apiKey);
    expect(readdirSync(cwd)).toEqual(['data']);
  });

  test('killed in the middle of a job, goes on with it by itself', async () => {
    const cwd = await makeFolder();
    const engine = await startHttpEngine({ latency: [50, 500] });
    onTestFinished(() => engine.close());
    const first = await startServer(cwd, '--engine', engine.url);
    await first.upload('in', makeRows(600));
    await first.createJob('job', { model: 'test-model', inputDatasetId: 'in', outputDatasetId: 'out' });
    const answered = () => [...engine.calls.values()].filter((calls) => calls.answered > 0).length;
    await engine.until(() => answered() >= 200);
    await first.program.killAll();

    const second = await startServer(cwd, '--engine', engine.url);
    const job = await second.waitForJob('job', isOver);
    expect(job).toMatchObject({
      state: 'JOB_STATE_COMPLETED',
      jobProgress: { percent: 100, totalInputRequests: 600, successfullyProcessedRequests: 600 },
    });
    const { body: links } = await second.ask('GET', 'datasets/out:getDownloadEndpoint');
    const [answersUrl = ''] =
      Object.entries<string>(links.filenameToSignedUrls)
        .find(([name]) => name.endsWith('.jsonl'))
        ?.slice(1) ?? [];
    expect(parseLines(await (await fetch(answersUrl)).text()).map(contentOf)).toEqual(allIds(600));
    expect([...engine.calls.values()].filter(({ asked }) => asked > 1).length).toBeLessThan(400);
  });

  test('cancelled in the middle, keeps what is finished', async () => {
    const cwd = await makeFolder();
    const engine = await startHttpEngine({ latency: [20, 60], script: ({ count }) => (count > 500 ? 'hang' : undefined) });
    onTestFinished(() => engine.close());
    const server = await startServer(cwd, '--engine', engine.url);
    await server.upload('in', makeRows(3_000));
    await server.createJob('job', { model: 'test-model', inputDatasetId: 'in', outputDatasetId: 'out' });
    await server.waitForJob('job', ({ jobProgress }) => jobProgress?.totalProcessedRequests === 500);
    expect((await server.ask('POST', 'batchInferenceJobs/job:cancel', {})).status).toBe(200);
    const job = await server.waitForJob('job', isOver);
    const { state, jobProgress } = job;
    expect(state).toBe('JOB_STATE_CANCELLED');
    expect(jobProgress).toMatchObject({ totalInputRequests: 3_000, successfullyProcessedRequests: 500, failedRequests: 0 });
    expect((await server.ask('GET', 'datasets/out')).body).toMatchObject({ exampleCount: String(jobProgress.outputRows) });
  });
});
