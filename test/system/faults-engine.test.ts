/** A whole server whose only engine is restarted, falls silent, and loses its connections, each in the middle of a job. */
import { spawnSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type Line, openLine } from '../../src/torture/line.ts';
import { isOver, type Server, startServer } from '../door/server.ts';
import { makeFolder } from '../support/folder.ts';
import { type HttpEngine, startHttpEngine } from '../support/http-engine.ts';
import { allIds, contentOf, makeRows, type OutputLine, parseLines } from '../support/rows.ts';

const ROWS = 600;
const SLOTS = 16;

async function openEngine(port = 0): Promise<HttpEngine> {
  const engine = await startHttpEngine({ port, latency: [20, 60], slots: SLOTS });
  onTestFinished(() => engine.close().catch(() => undefined));
  return engine;
}

/** A server that sends the rows of its job to this port, and a job on its way. */
async function startJob(port: number): Promise<Server> {
  const server = await startServer(await makeFolder(), '--engine', `http://127.0.0.1:${port}/v1`);
  await server.upload('in', makeRows(ROWS));
  await server.createJob('job', { model: 'test-model', inputDatasetId: 'in', outputDatasetId: 'out' });
  return server;
}

async function openOnLine(): Promise<{ readonly engine: HttpEngine; readonly line: Line; readonly server: Server }> {
  const engine = await openEngine();
  const line = await openLine({ to: { port: Number(new URL(engine.url).port) } });
  onTestFinished(() => line.close());
  return { engine, line, server: await startJob(line.port) };
}

/** Kinds of what the job's timeline says, in their order. */
async function readTimeline({ ask }: Server): Promise<readonly string[]> {
  const { body } = await ask('GET', 'batchInferenceJobs/job/@events');
  return body.events.map(({ kind }: { readonly kind: string }) => kind);
}

async function untilNoted(server: Server, kind: string): Promise<void> {
  while (!(await readTimeline(server)).includes(kind)) await delay(50);
}

async function expectAll(server: Server): Promise<void> {
  expect(await server.waitForJob('job', isOver)).toMatchObject({
    state: 'JOB_STATE_COMPLETED',
    jobProgress: { totalInputRequests: ROWS, successfullyProcessedRequests: ROWS, failedRequests: 0 },
  });
  const { body } = await server.ask('GET', 'datasets/out:getDownloadEndpoint');
  const links = Object.values<string>(body.filenameToSignedUrls);
  const texts = await Promise.all(links.map(async (link) => (await fetch(link)).text()));
  expect(texts.flatMap((text) => parseLines<OutputLine>(text)).map(contentOf)).toEqual(allIds(ROWS));
}

test('it dies and comes back as another process: the timeline says both, and only what was in flight is asked again', async () => {
  const engine = await openEngine();
  const port = Number(new URL(engine.url).port);
  const server = await startJob(port);
  await engine.until(() => engine.stats.requests >= 200);
  await engine.close();
  await untilNoted(server, 'engine-lost');
  const again = await openEngine(port);
  await expectAll(server);
  const timeline = await readTimeline(server);
  expect(timeline.indexOf('engine-back')).toBeGreaterThan(timeline.indexOf('engine-lost'));
  const answered = [...engine.calls].filter(([, call]) => call.answered > 0);
  expect(answered.filter(([marker]) => again.calls.has(marker)).length).toBeLessThanOrEqual(SLOTS);
});

test('it dies and comes back at another address, which is told to the server: the job goes on there with what was in flight', async () => {
  const engine = await openEngine();
  const server = await startServer(await makeFolder());
  expect(await server.ask('POST', 'engines?engineId=gpu', { url: engine.url })).toMatchObject({ status: 200 });
  await server.upload('in', makeRows(ROWS));
  await server.createJob('job', { model: 'test-model', inputDatasetId: 'in', outputDatasetId: 'out' });
  await engine.until(() => engine.stats.requests >= 200);
  await engine.close();
  const moved = await openEngine();
  expect(await server.ask('PATCH', 'engines/gpu', { url: moved.url })).toMatchObject({ status: 200 });
  await expectAll(server);
  const answered = [...engine.calls].filter(([, call]) => call.answered > 0);
  expect(answered.filter(([marker]) => moved.calls.has(marker)).length).toBeLessThanOrEqual(SLOTS);
});

test('it falls silent with connections open: rows wait, none is asked twice, and all is there when it speaks again', async () => {
  const { engine, line, server } = await openOnLine();
  await engine.until(() => engine.stats.requests >= 200);
  line.stall();
  await engine.until(() => engine.stats.working === 0);
  const { requests } = engine.stats;
  expect(await server.ask('GET', 'batchInferenceJobs/job')).toMatchObject({ status: 200, body: { state: 'JOB_STATE_RUNNING' } });
  expect(engine.stats.requests).toBe(requests);
  line.heal();
  await expectAll(server);
  expect([...engine.calls].filter(([, { asked }]) => asked > 1)).toEqual([]);
});

test('its connections die behind its back, five times: what was in flight goes out again on new ones', async () => {
  const { engine, line, server } = await openOnLine();
  for (let cut = 1; cut <= 5; cut++) {
    await engine.until(() => engine.stats.requests >= 90 * cut);
    line.stall();
    await engine.until(() => engine.stats.working === 0);
    line.cut();
    line.heal();
  }
  await expectAll(server);
  expect(engine.stats.connections).toBeGreaterThan(SLOTS);
});

test('no further file may be opened in the middle of a job: what can go on does, and with room again it ends with all rows', async () => {
  const { engine, server } = await openOnLine();
  const { pid } = server.program;
  const limit = (files: number): void => {
    const { status, stderr } = spawnSync('prlimit', ['--pid', String(pid), `--nofile=${files}:`], { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
  };
  await engine.until(() => engine.stats.requests >= 200);
  limit(10);
  await server.program.says(/EMFILE|too many open files/i);
  limit(1_024);
  await expectAll(server);
});
