/** The contract's limits, set small where the published program is started; and a chain of jobs, each ended by another of them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allIds, type OutputLine, parseLines } from '../../support/rows.ts';
import { type ContractServer, formOf, MODEL, type Reply, rowOf, SERVED_MODEL, startContractServer } from './server.ts';
import { refusal } from './shapes.ts';

const ROWS = 40;
const OUTPUT_BYTES = 20_000;
/** Ten such answers are more than an output may be. */
const LONG = 'x'.repeat(3_000);
/** What the engine does with a row now. */
const engine: { does: (row: number) => 'hang' | { status: number } | undefined; says: string } = {
  does: () => undefined,
  says: '',
};
let server: ContractServer;
beforeAll(async () => {
  server = await startContractServer(
    { script: ({ marker }) => engine.does(Number(marker.slice(-5))), content: ({ marker }) => marker + engine.says },
    {
      BOATLOAD_MAX_DATASET_BYTES: '50000',
      BOATLOAD_MAX_OUTPUT_BYTES: String(OUTPUT_BYTES),
      BOATLOAD_MIN_JOB_WINDOW_SECONDS: '10',
      BOATLOAD_REQUIRE_EXAMPLE_COUNT: '1',
    },
  );
});
afterAll(() => server?.close());

const refused = async (path: string, body: object) => {
  const answer = await server.ask('POST', path, { body });
  return { status: answer.status, body: answer.body };
};

test('a count is demanded where the server is told to, in the words of the original', async () => {
  const message = 'error validating dataset: example_count is required for uploaded datasets';
  expect(await refused('datasets', { datasetId: 'uncounted', dataset: { userUploaded: {} } })).toEqual({
    status: 400,
    body: refusal(3, message),
  });
  expect((await server.ask('GET', 'datasets/uncounted')).status).toBe(404);
});

test('a dataset of exactly the limit is taken, one byte more is refused, both ways of uploading', async () => {
  const exact = `${rowOf('a').trim().padEnd(49_999)}\n`;
  const create = (datasetId: string) => server.post('datasets', { datasetId, dataset: { exampleCount: '1' } });
  await create('exact');
  expect(await refused('datasets/exact:upload', formOf(`${exact} `))).toEqual({ status: 400, body: refusal(3) });
  expect(await server.get('datasets/exact')).toMatchObject({ state: 'UPLOADING' });
  expect(await server.post('datasets/exact:upload', formOf(exact))).toMatchObject({ bytes: 50_000 });
  await create('announced');
  const announce = (bytes: number) => ({ filenameToSize: { 'a.jsonl': String(bytes) } });
  expect(await refused('datasets/announced:getUploadEndpoint', announce(50_001))).toEqual({ status: 400, body: refusal(3) });
  await server.post('datasets/announced:getUploadEndpoint', announce(50_000));
});

test.each(['9s', '73h'])('a window of %s is refused', async (maxJobDuration) => {
  const wish = { model: MODEL, inputDatasetId: 'exact', maxJobDuration };
  expect(await refused('batchInferenceJobs', wish)).toEqual({ status: 400, body: refusal(3) });
});

const idsOf = (lines: readonly OutputLine[]) => lines.map(({ custom_id }) => custom_id);
const outputOf = async (id: string) => {
  const files = await server.download(id);
  return {
    results: parseLines(files[`dataset/${id}/BIJOutputSet.jsonl`] ?? ''),
    errors: parseLines(files[`dataset/${id}/error-data`] ?? ''),
  };
};
const rows = (from: number, to: number) => allIds(to).slice(from);
/** A job that has ended, held against what is in its output. */
const checkBooks = async (job: Reply, total: number): Promise<void> => {
  const { results, errors } = await outputOf(job.outputDatasetId.split('/').at(-1));
  const sum = (of: (line: OutputLine) => number) => results.reduce((tokens, line) => tokens + of(line), 0);
  expect(job.jobProgress).toMatchObject({
    totalInputRequests: total,
    totalProcessedRequests: results.length + errors.length,
    successfullyProcessedRequests: results.length,
    failedRequests: errors.length,
    outputRows: results.length + errors.length,
    inputTokens: sum(({ response }) => response?.usage.prompt_tokens ?? 0),
    outputTokens: sum(({ response }) => response?.usage.completion_tokens ?? 0),
  });
  expect(Date.parse(job.lifecycle.endTime)).toBeGreaterThanOrEqual(Date.parse(job.lifecycle.runStartTime));
};

test('the first link reaches the end of its window: EXPIRED, with the rows that were finished', async () => {
  await server.upload(
    'in',
    allIds(ROWS)
      .map((id) => rowOf(id))
      .join(''),
  );
  engine.does = (row) => (row >= 10 ? 'hang' : undefined);
  const wish = { model: MODEL, inputDatasetId: 'in', outputDatasetId: 'one-out', maxJobDuration: '15s' };
  const created = await server.createJob('one', wish);
  expect(Date.parse(created.expireTime) - Date.parse(created.createTime)).toBeLessThanOrEqual(15_000);
  await server.untilJob('one', ({ jobProgress }) => jobProgress?.successfullyProcessedRequests === 10);
  const job = await server.untilState('one', 'EXPIRED');
  expect(job.status).toEqual({ code: 'DEADLINE_EXCEEDED', message: expect.stringContaining(created.expireTime) });
  expect(Date.parse(job.lifecycle.endTime)).toBeGreaterThanOrEqual(Date.parse(created.expireTime));
  await checkBooks(job, ROWS);
  expect(idsOf((await outputOf('one-out')).results)).toEqual(rows(0, 10));
});

test('the second reaches the limit of its output: EXPIRED early, with what is in it', async () => {
  engine.does = (row) => (row >= 20 ? 'hang' : undefined);
  engine.says = LONG;
  const wish = { continuedFromJobName: 'one', outputDatasetId: 'two-out', maxJobDuration: '12h' };
  const { expireTime } = await server.createJob('two', wish);
  const job = await server.untilState('two', 'EXPIRED');
  engine.says = '';
  expect(Date.parse(job.lifecycle.endTime)).toBeLessThan(Date.parse(expireTime));
  expect(job.status).toEqual({ code: 'RESOURCE_EXHAUSTED', message: expect.stringContaining(`${OUTPUT_BYTES} bytes`) });
  await checkBooks(job, 30);
});

test('the third is cancelled: what is finished stays', async () => {
  engine.does = (row) => (row >= 30 ? 'hang' : undefined);
  await server.createJob('three', { continuedFromJobName: 'two', outputDatasetId: 'three-out', maxJobDuration: '12h' });
  const { totalInputRequests } = (await server.untilState('three', 'RUNNING')).jobProgress;
  await server.untilJob('three', ({ jobProgress }) => jobProgress.successfullyProcessedRequests === totalInputRequests - 10);
  expect((await server.post('batchInferenceJobs/three:cancel', {})).state).toMatch(/CANCELL|WRITING/);
  const job = await server.untilState('three', 'CANCELLED');
  expect(job.status.code).toBe('CANCELLED');
  await checkBooks(job, totalInputRequests);
});

test('the fourth runs exactly the rest: together every row is there once, in the order of the input', async () => {
  const asked = new Map([...server.server.engine.calls].map(([id, calls]) => [id, calls.asked]));
  engine.does = () => undefined;
  await server.createJob('four', { continuedFromJobName: 'three', outputDatasetId: 'four-out', maxJobDuration: '12h' });
  const job = await server.untilState('four', 'COMPLETED');
  await checkBooks(job, 10);
  expect(idsOf((await outputOf('four-out')).results)).toEqual(rows(30, ROWS));
  for (const id of rows(0, 30)) expect(server.server.engine.calls.get(id)?.asked, id).toBe(asked.get(id));

  const outputs = ['one-out', 'two-out', 'three-out', 'four-out'];
  const lineage = await server.download('four-out', '?downloadLineage=true');
  expect(Object.keys(lineage)).toEqual(outputs.flatMap((id) => [`dataset/${id}/BIJOutputSet.jsonl`, `dataset/${id}/error-data`]));
  const answered = Object.values(lineage).flatMap((text) => idsOf(parseLines(text)));
  expect(answered.toSorted()).toEqual(allIds(ROWS));
  const merged = await server.download('four-out', '?merge=true');
  expect(idsOf(parseLines(merged['dataset/four-out/merged.jsonl'] ?? ''))).toEqual(allIds(ROWS));
});

test('all is billed once: the tokens of forty answers, over four jobs', async () => {
  const day = 24 * 3600_000;
  const [startTime, endTime] = [Date.now() - day, Date.now() + day].map((at) => new Date(at).toISOString());
  const { serverlessCosts } = await server.get(`billingUsage?startTime=${startTime}&endTime=${endTime}`);
  const used = serverlessCosts.filter(({ modelName }: Reply) => modelName === SERVED_MODEL);
  const sum = (field: string) => used.reduce((tokens: number, cost: Reply) => tokens + Number(cost[field]), 0);
  expect([sum('promptTokens'), sum('completionTokens'), sum('cachedPromptTokens')]).toEqual([ROWS * 10, ROWS * 5, ROWS * 4]);
  expect(await refused('batchInferenceJobs', { continuedFromJobName: 'four' })).toEqual({ status: 400, body: refusal(9) });
});
