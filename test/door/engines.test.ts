/** Engines that are added to a running server: what becomes of jobs as they are slow, die, refuse, are drained and come back. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { type HttpEngine, type HttpEngineOptions, startHttpEngine } from '../support/http-engine.ts';
import { allIds, contentOf, makeRows, type OutputLine, parseLines } from '../support/rows.ts';
import { isOver, type Reply, type Server, startServer } from './server.ts';

const MODEL = 'test-model';
const KEY = 'sk-key-of-the-test-engine';

async function startEngine(options: HttpEngineOptions): Promise<HttpEngine> {
  const engine = await startHttpEngine(options);
  onTestFinished(() => engine.close().catch(() => undefined));
  return engine;
}

async function addEngine(server: Server, id: string, body: object): Promise<void> {
  const { status, body: reply } = await server.ask('POST', `engines?engineId=${id}`, body);
  expect(reply).toMatchObject({ name: `accounts/local/engines/${id}` });
  expect(status).toBe(200);
}

async function startJob(server: Server, rows: number): Promise<void> {
  await server.upload('in', makeRows(rows));
  await server.createJob('job', { model: MODEL, inputDatasetId: 'in', outputDatasetId: 'out' });
}

const readEngine = async (server: Server, id: string): Promise<Reply> => (await server.ask('GET', `engines/${id}`)).body;
const readEvents = async (server: Server): Promise<Reply[]> =>
  (await server.ask('GET', 'batchInferenceJobs/job:events')).body.events;

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(50);
}

async function readAnswers(server: Server): Promise<readonly OutputLine[]> {
  const { body } = await server.ask('GET', 'datasets/out:getDownloadEndpoint');
  const links = Object.values<string>(body.filenameToSignedUrls);
  return (await Promise.all(links.map(async (link) => (await fetch(link)).text()))).flatMap((text) =>
    parseLines<OutputLine>(text),
  );
}

const answered = ({ calls }: HttpEngine): number => [...calls.values()].reduce((sum, call) => sum + call.answered, 0);

test('three engines, one slow, one that dies, one that refuses: every row is answered once, load follows capacity, and the job tells', async () => {
  const server = await startServer(await makeFolder());
  const slow = await startEngine({ latency: [400, 400], slots: 4 });
  const dying = await startEngine({ latency: [20, 40] });
  const refusing = await startEngine({ latency: [20, 40], slots: 2, queue: 0 });
  for (const [id, { url }] of Object.entries({ slow, dying, refusing })) await addEngine(server, id, { url });
  await startJob(server, 1_000);
  await dying.until(() => dying.stats.requests >= 150);
  await dying.close();
  await until(async () => (await readEvents(server)).some(({ kind }) => kind === 'engine-failing'));
  const { engines } = (await server.ask('GET', 'engines')).body;
  const stateOf = (id: string) => engines.find(({ name }: Reply) => name.endsWith(`/${id}`));
  expect(stateOf('dying')).toMatchObject({ state: 'FAILING', views: [{ lastError: expect.stringContaining('connection') }] });
  expect(stateOf('refusing')).toMatchObject({ state: 'READY', stateReason: 'as many as it accepted when it last refused' });
  const job = await server.waitForJob('job', isOver);
  expect(job).toMatchObject({
    state: 'JOB_STATE_COMPLETED',
    jobProgress: { successfullyProcessedRequests: 1_000, failedRequests: 0 },
  });
  expect((await readAnswers(server)).map(contentOf)).toEqual(allIds(1_000));
  expect(answered(refusing)).toBeGreaterThan(2 * answered(slow));
  expect(answered(slow)).toBeGreaterThan(20);
  const failing = (await readEvents(server)).filter(({ kind }) => kind === 'engine-failing');
  expect(failing.map(({ message }) => message)).toContainEqual(
    expect.stringMatching(new RegExp(`^${dying.url}: .*The other engines go on without it\\.$`)),
  );
});

test('a drained engine finishes what it has and gets nothing new; a job without engines waits until one is back', async () => {
  const server = await startServer(await makeFolder());
  const engine = await startEngine({ latency: [100, 200] });
  await addEngine(server, 'only', { url: engine.url, maxInFlight: 10 });
  await startJob(server, 300);
  await engine.until(() => engine.stats.requests >= 50);
  expect((await server.ask('POST', 'engines/only:drain', {})).body.state).toBe('DRAINING');
  await until(async () => (await readEngine(server, 'only')).inFlight === 0);
  const { requests } = engine.stats;
  expect([answered(engine), engine.stats.hungUp]).toEqual([requests, 0]);
  await until(async () => (await readEvents(server)).some(({ kind }) => kind === 'engine-lost'));
  expect(await server.ask('POST', 'batchInferenceJobs', { model: MODEL, inputDatasetId: 'in' })).toMatchObject({
    status: 400,
    body: { message: expect.stringContaining(`No engine serves accounts/local/models/${MODEL}`) },
  });
  expect(engine.stats.requests).toBe(requests);
  await server.ask('POST', 'engines/only:resume', {});
  expect(await server.waitForJob('job', isOver)).toMatchObject({ state: 'JOB_STATE_COMPLETED' });
  expect((await readAnswers(server)).map(contentOf)).toEqual(allIds(300));
  expect(engine.stats.mostInside).toBeLessThanOrEqual(10);
});

test('engines and their keys are there again after a restart; the key is in no file of the server', async () => {
  const cwd = await makeFolder();
  const engine = await startEngine({ apiKey: KEY });
  const first = await startServer(cwd);
  await addEngine(first, 'keyed', { url: engine.url, apiKey: KEY, requestsPerMinute: 6_000 });
  first.program.signal('SIGTERM');
  await first.program.ended;
  const second = await startServer(cwd);
  await startJob(second, 20);
  expect(await second.waitForJob('job', isOver)).toMatchObject({ state: 'JOB_STATE_COMPLETED' });
  expect(answered(engine)).toBe(20);
  second.program.signal('SIGTERM');
  const { stdout, stderr } = await second.program.ended;
  expect(stdout + stderr).not.toContain(KEY);
  const files = readdirSync(join(cwd, 'data'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.length).toBeGreaterThan(100);
  for (const { parentPath, name } of files) expect(readFileSync(join(parentPath, name)).includes(KEY), name).toBe(false);
});

test('two engines of one model that flags name share its rows', async () => {
  const engines = [await startEngine({ latency: [20, 40] }), await startEngine({ latency: [20, 40] })];
  const server = await startServer(await makeFolder(), ...engines.flatMap(({ url }) => ['--engine', url]));
  await startJob(server, 400);
  expect(await server.waitForJob('job', isOver)).toMatchObject({ state: 'JOB_STATE_COMPLETED' });
  for (const engine of engines) expect(answered(engine)).toBeGreaterThan(100);
});
