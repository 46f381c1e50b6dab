/** Engines that a fleet shares: added once, seen by every process. A real PostgreSQL, processes without any flag. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { findFreePort } from '../../src/torture/free-port.ts';
import { makeFolder } from '../support/folder.ts';
import { type HttpEngine, startHttpEngine } from '../support/http-engine.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { boatload, startBoatload } from '../support/program.ts';
import { makeRows } from '../support/rows.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 180_000);
afterAll(() => postgres?.stop());

const KEY = 'sk-key-of-the-fleet';
const MODEL = 'test-model';

async function openFleet() {
  const cwd = await makeFolder();
  const env = {
    DATABASE_URL: await postgres.makeDatabase(),
    OBJECT_STORE: `file:${join(cwd, 'objects')}`,
    BOATLOAD_SECRET: 'the same text for all of the fleet',
    BOATLOAD_DATA_DIR: join(cwd, 'data'),
  };
  const { apiKey } = JSON.parse((await boatload(['migrate', '--account', 'acme', '--json'], { cwd, env })).stdout);
  const start = async (command: 'serve' | 'worker', changed: Readonly<Record<string, string>> = {}) => {
    const program = startBoatload([command, '--json'], { cwd, env: { ...env, ...changed } });
    const [line] = await program.says(/^\{"url".*$/m);
    return { program, url: JSON.parse(line).url as string };
  };
  const { url } = await start('serve');
  const type = (...args: readonly string[]) =>
    boatload(args, { cwd, env: { BOATLOAD_BASE_URL: url, BOATLOAD_API_KEY: apiKey, BOATLOAD_ENGINE_KEY: KEY } });
  // biome-ignore lint/suspicious/noExplicitAny: replies of many shapes, checked by the tests' own expectations
  const askAt = async (base: string, method: string, path: string, body?: object): Promise<any> => {
    const isForm = body instanceof FormData;
    const reply = await fetch(`${base}/v1/accounts/acme/${path}`, {
      method,
      headers: { authorization: `Bearer ${apiKey}`, ...(isForm ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
    });
    return reply.json();
  };
  const ask = (method: string, path: string, body?: object) => askAt(url, method, path, body);
  return { url, start, type, ask, askAt };
}

type Fleet = Awaited<ReturnType<typeof openFleet>>;

async function startEngine(): Promise<HttpEngine> {
  const engine = await startHttpEngine({ apiKey: KEY, latency: [50, 150] });
  onTestFinished(() => engine.close().catch(() => undefined));
  return engine;
}

async function upload({ ask }: Fleet, rows: number): Promise<void> {
  await ask('POST', 'datasets', { datasetId: 'in', dataset: { userUploaded: {} } });
  const form = new FormData();
  form.set('file', new Blob([makeRows(rows)]), 'in.jsonl');
  await ask('POST', 'datasets/in:upload', form);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(100);
}

test('an engine that is added at one process is used by all of them, and its figures are those of all', async () => {
  const fleet = await openFleet();
  const { ask, type } = fleet;
  const starting = [fleet.start('serve'), fleet.start('worker'), fleet.start('worker'), upload(fleet, 1_500)] as const;
  const [{ url: otherUrl }] = await Promise.all(starting);
  const askOther = (method: string, path: string, body: object) => fleet.askAt(otherUrl, method, path, body);
  const wish = { model: MODEL, inputDatasetId: 'in' };
  expect((await askOther('POST', 'batchInferenceJobs', wish)).message).toContain(`model "${MODEL}"`);

  const engine = await startEngine();
  const added = await type('engine', 'add', engine.url, '--name', 'gpu', '--limit', '20');
  expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining(MODEL) });
  // At once, at the process that was not told.
  await askOther('POST', 'batchInferenceJobs?batchInferenceJobId=job', wish);
  await engine.until(() => engine.stats.requests >= 300);
  // The API's own processes send nothing: what is in flight is what the workers say.
  await until(async () => {
    const { views, inFlight } = await ask('GET', 'engines/gpu');
    return views.length === 4 && inFlight > 0;
  });
  const listed = await type('engine', 'list');
  expect(listed.stdout).toMatch(/^gpu +READY +\d+\/\d+ +openai-compatible/m);

  expect(await type('engine', 'drain', 'gpu')).toMatchObject({ code: 0, stderr: expect.stringContaining('DRAINING') });
  await until(async () => (await ask('GET', 'engines/gpu')).state === 'DRAINED');
  const { requests, hungUp } = engine.stats;
  expect(hungUp).toBe(0);
  expect((await askOther('POST', 'batchInferenceJobs', wish)).message).toContain('No engine serves');

  const second = await startEngine();
  await type('engine', 'add', second.url, '--name', 'gpu-2');
  await until(async () => /COMPLETED|FAILED|EXPIRED/.test((await ask('GET', 'batchInferenceJobs/job')).state));
  expect(await ask('GET', 'batchInferenceJobs/job')).toMatchObject({
    state: 'JOB_STATE_COMPLETED',
    jobProgress: { successfullyProcessedRequests: 1_500, failedRequests: 0 },
  });
  expect(engine.stats.requests).toBe(requests);
  expect([...engine.calls.keys()].filter((marker) => second.calls.has(marker))).toEqual([]);
});

test('a process with another secret says of an engine that it can’t read its key, and the others go on', async () => {
  const fleet = await openFleet();
  const engine = await startEngine();
  await fleet.type('engine', 'add', engine.url, '--name', 'gpu');
  await fleet.start('worker', { BOATLOAD_SECRET: 'quite another text than the others have' });
  await until(async () => JSON.stringify(await fleet.ask('GET', 'engines/gpu')).includes('another secret'));
  expect(await fleet.ask('GET', 'engines/gpu')).toMatchObject({ state: 'READY' });
  const shown = await fleet.type('engine', 'get', 'gpu');
  expect(shown.stdout).toContain('Give it again.');
  expect(shown.stdout + shown.stderr).not.toContain(KEY);
});

test('a worker without a database uses the engines of the database, says how it finds them, and can be watched', async () => {
  const fleet = await openFleet();
  const { ask } = fleet;
  const engine = await startEngine();
  await fleet.type('engine', 'add', engine.url, '--name', 'gpu');
  const healthPort = await findFreePort();
  const through = { DATABASE_URL: '', BOATLOAD_API_URL: fleet.url, BOATLOAD_HEALTH_PORT: String(healthPort) };
  // Plans and merges; as it can't read the engine's key, it runs no row.
  const other = fleet.start('worker', { BOATLOAD_SECRET: 'quite another text than the others have' });
  await Promise.all([other, fleet.start('worker', through), upload(fleet, 200)]);
  await ask('POST', 'batchInferenceJobs?batchInferenceJobId=job', { model: MODEL, inputDatasetId: 'in' });
  await until(async () => /COMPLETED|FAILED|EXPIRED/.test((await ask('GET', 'batchInferenceJobs/job')).state));
  expect(await ask('GET', 'batchInferenceJobs/job')).toMatchObject({
    state: 'JOB_STATE_COMPLETED',
    jobProgress: { successfullyProcessedRequests: 200, failedRequests: 0 },
  });
  const look = (path: string) => fetch(`http://127.0.0.1:${healthPort}/${path}`);
  expect(await (await look('metrics')).text()).toContain('boatload_rows_total{result="ok"} 200\n');
  expect(await (await look('readyz')).json()).toMatchObject({ status: 'ok', checks: { api: 'ok', storage: 'ok' } });
  // The API, the one that can't read the key, and the one that has no database.
  await until(async () => (await ask('GET', 'engines/gpu')).views.length === 3);
});
