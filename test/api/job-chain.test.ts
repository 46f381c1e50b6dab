/** A chain of continued jobs, each ended by another failure: nothing is lost, nothing is paid twice, and the joined results are whole. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allIds, idOf, makeRows, type OutputLine, parseLines } from '../support/rows.ts';
import { openWorkingDoor } from './working-door.ts';

const ROWS = 30;
const JOBS = '/v1/accounts/acme/batchInferenceJobs';
let door: Awaited<ReturnType<typeof openWorkingDoor>>;
const engine: { does: (row: number) => 'hang' | { status: number } | undefined } = { does: () => undefined };
beforeAll(async () => {
  door = await openWorkingDoor({
    engine: { script: ({ marker }) => engine.does(Number(marker.slice(-5))) },
    workerLimits: { shardRows: 8, outputBytes: 20_000 },
  });
  await door.putDataset('in', { 'a.jsonl': makeRows(10), 'b.jsonl': makeRows(20, (row) => ({ ...toRow(row + 10) })) });
});
afterAll(() => door.close());

const toRow = (row: number) => ({ custom_id: idOf(row), body: { messages: [{ role: 'user', content: `[[${idOf(row)}]]` }] } });
const committed = (id: string, ok: number) =>
  door.untilJob(id, ({ jobProgress }) => jobProgress?.['successfullyProcessedRequests'] === ok);
const idsOf = (lines: readonly OutputLine[]) => lines.map(({ custom_id }) => custom_id);
const rows = (from: number, to: number) => allIds(to).slice(from);

test('the first link expires: a day later it ends, with what it has', async () => {
  engine.does = (row) => (row >= 10 ? 'hang' : undefined);
  await door.createJob('one', {
    model: 'tickets',
    inputDatasetId: 'in',
    outputDatasetId: 'one-out',
    inferenceParameters: { maxTokens: 7 },
  });
  await committed('one', 10);
  door.clock.time += 24 * 3600_000 - 60_000;
  expect((await door.readJob('one')).state).toBe('JOB_STATE_RUNNING');
  door.clock.time += 60_000;
  expect(await door.untilState('one', 'EXPIRED')).toMatchObject({
    status: { code: 'DEADLINE_EXCEEDED', message: expect.stringContaining("The job's window ended at 2026-01-06T02:00:00.000Z") },
    jobProgress: {
      totalInputRequests: 30,
      totalProcessedRequests: 10,
      outputRows: 10,
      inputTokens: 100,
      outputTokens: 50,
      cachedInputTokenCount: 40,
    },
    stateReason: expect.stringContaining('10 of 30 rows have an answer.'),
  });
  expect(idsOf((await door.readOutput('one-out')).results)).toEqual(rows(0, 10));
});

test('the second link runs only the rest; some of its rows fail', async () => {
  engine.does = (row) => (row % 5 === 0 ? { status: 400 } : undefined);
  const created = await door.createJob('two', {
    continuedFromJobName: `accounts/acme/batchInferenceJobs/one`,
    outputDatasetId: 'accounts/acme/datasets/two-out',
  });
  expect(created.body).toMatchObject({ model: 'accounts/boatload/models/tickets', inferenceParameters: { maxTokens: 7 } });
  expect(await door.untilState('two', 'COMPLETED')).toMatchObject({
    jobProgress: { percent: 100, totalInputRequests: 20, successfullyProcessedRequests: 16, failedRequests: 4, inputTokens: 160 },
  });
  const { results, errors } = await door.readOutput('two-out');
  expect(idsOf(errors)).toEqual([10, 15, 20, 25].map(idOf));
  expect(idsOf(results)).toEqual(rows(10, 30).filter((id) => !idsOf(errors).includes(id)));
  for (const id of rows(0, 10)) expect(door.engine.calls.get(id)?.asked, id).toBe(1);
});

test('the third link is cancelled, and keeps the one row that it has', async () => {
  engine.does = (row) => (row > 10 ? 'hang' : undefined);
  await door.createJob('three', {
    continuedFromJobName: 'two',
    outputDatasetId: 'three-out',
    inferenceParameters: { temperature: 0.5 },
  });
  await committed('three', 1);
  expect((await door.tell('three', 'cancel')).body).toMatchObject({ state: expect.stringMatching(/CANCELL|WRITING/) });
  expect(await door.untilState('three', 'CANCELLED')).toMatchObject({
    inferenceParameters: { maxTokens: 7, temperature: 0.5 },
    jobProgress: { totalInputRequests: 4, successfullyProcessedRequests: 1, inputTokens: 10 },
    stateReason: expect.stringContaining('1 of 4 rows have an answer.'),
  });
});

test('the lineage of any link is the whole chain, its files under keys of their own', async () => {
  for (const id of ['one-out', 'two-out', 'three-out']) {
    const files = await door.download(id, '?downloadLineage=true');
    expect(Object.keys(files)).toEqual(
      ['one-out', 'two-out', 'three-out'].flatMap((out) => [`dataset/${out}/BIJOutputSet.jsonl`, `dataset/${out}/error-data`]),
    );
  }
  expect(Object.keys(await door.download('in', '?downloadLineage=true'))).toEqual(['dataset/in/a.jsonl', 'dataset/in/b.jsonl']);
});

test('the joined results have every row once, in input order: its answer, or its last error', async () => {
  const files = await door.download('two-out', '?downloadLineage=false&merge=true');
  expect(Object.keys(files)).toEqual(['dataset/two-out/merged.jsonl']);
  const lines = parseLines(files['dataset/two-out/merged.jsonl'] ?? '');
  expect(idsOf(lines)).toEqual(allIds(ROWS));
  expect(idsOf(lines.filter(({ error }) => error !== undefined))).toEqual([15, 20, 25].map(idOf));
});

test('what is billed is what is in the files, to the token', async () => {
  for (const id of ['one', 'two', 'three']) {
    const { jobProgress } = await door.readJob(id);
    const { results } = await door.readOutput(`${id}-out`);
    const sum = (of: (line: OutputLine) => number) => results.reduce((total, line) => total + of(line), 0);
    expect(jobProgress).toMatchObject({
      inputTokens: sum(({ response }) => response?.usage.prompt_tokens ?? 0),
      outputTokens: sum(({ response }) => response?.usage.completion_tokens ?? 0),
    });
  }
});

test('a last link answers what is left, and then there is nothing to continue', async () => {
  engine.does = () => undefined;
  await door.createJob('four', { continuedFromJobName: 'three', outputDatasetId: 'four-out' });
  expect(await door.untilState('four', 'COMPLETED')).toMatchObject({
    jobProgress: { totalInputRequests: 3, successfullyProcessedRequests: 3 },
  });
  const files = await door.download('one-out', '?merge=true');
  const lines = parseLines(files['dataset/one-out/merged.jsonl'] ?? '');
  expect(lines.map(({ custom_id, response }) => [custom_id, response?.choices[0]?.message.content])).toEqual(
    allIds(ROWS).map((id) => [id, id]),
  );
  expect(await door.createJob('five', { continuedFromJobName: 'four' })).toEqual({
    status: 400,
    body: {
      code: 9,
      message: 'Every row of job "four" has its answer: there is nothing left to run.',
      details: [expect.objectContaining({ reason: 'NOTHING_TO_CONTINUE' })],
    },
  });
  expect((await door.ask(`${JOBS}/five`)).status).toBe(404);
});

test.each([
  ['with another input', { continuedFromJobName: 'three', inputDatasetId: 'one-out' }, 400, 'OTHER_INPUT'],
  ['with its output in use', { continuedFromJobName: 'three', outputDatasetId: 'two-out' }, 409, 'OUTPUT_DATASET_EXISTS'],
  ['of a job that is not there', { continuedFromJobName: 'nine' }, 404, 'JOB_NOT_FOUND'],
  ["of somebody else's job", { continuedFromJobName: 'accounts/bob/batchInferenceJobs/one' }, 403, 'ACCOUNT_MISMATCH'],
])('a continuation %s is refused', async (_, body, status, reason) => {
  const reply = await door.createJob('refused', body);
  expect([reply.status, reply.body.details[0]?.reason]).toEqual([status, reason]);
});

test('an output that is as large as it may be ends the job early, with what it has', async () => {
  await door.uploadDataset(
    'large',
    makeRows(200, (row) => toRow(row + 1000)),
  );
  engine.does = (row) => (row >= 1100 ? 'hang' : undefined);
  await door.createJob('large', { model: 'tickets', inputDatasetId: 'large', outputDatasetId: 'large-out' });
  const job = await door.untilState('large', 'EXPIRED');
  expect(job.status).toEqual({ code: 'RESOURCE_EXHAUSTED', message: expect.stringContaining('limit of 20000 bytes') });
  const { results } = await door.readOutput('large-out');
  expect([results.length, results.length]).toEqual([
    job.jobProgress?.['outputRows'],
    job.jobProgress?.['successfullyProcessedRequests'],
  ]);
  expect(results.length).toBeGreaterThan(20_000 / 500);
});

test('a chain whose input was deleted can still be downloaded, but not joined', async () => {
  engine.does = () => undefined;
  await door.askJson('/v1/accounts/acme/datasets/in', { method: 'DELETE' });
  expect(Object.keys(await door.download('one-out', '?downloadLineage=true'))).toHaveLength(8);
  const reply = await door.askJson('/v1/accounts/acme/datasets/one-out:getDownloadEndpoint?merge=true');
  expect(reply).toMatchObject({ status: 400, body: { code: 9, details: [{ reason: 'INPUT_DELETED' }] } });
  const uploaded = await door.askJson('/v1/accounts/acme/datasets/large:getDownloadEndpoint?merge=true');
  expect(uploaded).toMatchObject({ status: 400, body: { code: 9, details: [{ reason: 'NO_LINEAGE' }] } });
});
