/** Leases over HTTP: the same suite as on the database, behind an API process that loses answers. */
import { randomBytes, randomUUID } from 'node:crypto';
import { OpenAPIHono } from '@hono/zod-openapi';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { makeLeaseDesk } from '../../src/actions/lease-desk.ts';
import type { ApiEnv } from '../../src/api/api-context.ts';
import { makeErrorHandler } from '../../src/api/errors.ts';
import { addWorkerCalls } from '../../src/api/worker-calls.ts';
import { makeEngineBoard } from '../../src/db/engine-board.ts';
import { makeModelFiles } from '../../src/db/model-files.ts';
import { insertEngine } from '../../src/db/queries/insert-engine.ts';
import { insertModel } from '../../src/db/queries/insert-model.ts';
import type { Store } from '../../src/db/store.ts';
import { makeWorkerToken } from '../../src/jobs/worker-token.ts';
import { close, listen } from '../../src/listen.ts';
import { makeHttpEngines } from '../../src/worker/http-engines.ts';
import { makeHttpJobs, makeHttpLeases } from '../../src/worker/http-leases.ts';
import { makeHttpModelFiles } from '../../src/worker/http-model-files.ts';
import { WorkerCalls, type WorkerCallsOptions } from '../../src/worker/worker-calls.ts';
import { testLeases } from '../conformance/leases.ts';
import { describeOnBoth } from '../db/databases.ts';
import { claimOf, makeAccount, makePlannedJob, takeOneOf } from '../db/jobs.ts';

const SECRET = randomBytes(32);
const TABLES = '0042-tables';
/** By the clock of the API process. */
const NOW = new Date('2026-05-05T05:05:05.050Z');
const LOG = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const LEASE = {
  ...{ ticket: `${randomUUID()}/0`, jobUid: randomUUID(), accountId: 'acme', shard: 0, first: 0, count: 1, model: 'm' },
  ...{ epoch: 1, done: [] },
};

const ENGINE = {
  ...{ id: 'gpu', displayName: '', url: 'http://127.0.0.1:1/v1', kind: 'vllm', createdBy: 'ada@example.test' },
  ...{ models: [{ id: 'm', servedAs: 'M' }], slots: 8, metricsPath: null, maxInFlight: null, draining: false },
  ...{ requestsPerMinute: null, tokensPerMinute: 100, createdAt: NOW, updatedAt: NOW },
};

interface Api {
  readonly url: string;
  close(): Promise<void>;
}

/** An API process that does all it is asked; `lose` says which calls' answers never arrive. */
async function openApi(store: Store, lose: (call: string) => boolean = () => false): Promise<Api> {
  const app = new OpenAPIHono<ApiEnv>();
  const stop = new AbortController();
  const leases = makeLeaseDesk(store.leases, stop.signal);
  app.onError(makeErrorHandler({ log: LOG }));
  const shared = { engines: makeEngineBoard(store, { now: () => NOW }), modelFiles: makeModelFiles(store) };
  addWorkerCalls(app, { workers: { leases, jobs: store.jobs, ...shared, secret: SECRET, tables: TABLES } });
  const { server, port } = await listen({
    host: '127.0.0.1',
    port: 0,
    async fetch(request, { outgoing }) {
      const call = `${request.url} ${await request.clone().text()}`;
      const reply = await app.fetch(request);
      if (lose(call)) outgoing.destroy();
      return reply;
    },
  });
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      stop.abort();
      await close(server);
    },
  };
}

const callsTo = (urls: readonly string[], changes: Partial<WorkerCallsOptions> = {}): WorkerCalls =>
  new WorkerCalls({ urls, token: makeWorkerToken(SECRET), tables: TABLES, onOutdated: () => undefined, ...changes });

describeOnBoth('leases over HTTP', (open) => {
  let api: Api | undefined;
  const seen = new Set<string>();
  // What was taken and not heard of comes back after its heartbeat; all else is asked again at once.
  const loseFirst = (call: string) => !call.includes('/take ') && seen.size < seen.add(call).size;
  beforeAll(async () => {
    api = await openApi(open(), loseFirst);
  });
  afterAll(() => api?.close());
  testLeases(() => {
    const calls = callsTo([api?.url ?? '']);
    return { ...open(), leases: makeHttpLeases(calls), jobs: makeHttpJobs(calls) };
  });

  test('when an API process is gone, the next one is asked', async () => {
    const other = await openApi(open());
    const gone = await openApi(open());
    onTestFinished(() => other.close());
    const { leases } = { leases: makeHttpLeases(callsTo([gone.url, other.url])) };
    const job = await makePlannedJob(open(), [2]);
    const lease = await takeOneOf({ ...open(), leases }, job);
    await gone.close();
    expect(await leases.commit([claimOf(lease)])).toEqual([true]);
    await leases.settle(lease);
  });

  test('what was taken for a worker that went away is free again at once', async () => {
    const calm = await openApi(open());
    onTestFinished(() => calm.close());
    const { leases } = { leases: makeHttpLeases(callsTo([calm.url])) };
    const gone = new AbortController();
    const waiting = leases.take(9, { maxMs: 20_000, signal: gone.signal });
    gone.abort();
    expect(await waiting).toEqual([]);
    const job = await makePlannedJob(open(), [1]);
    await expect.poll(() => takeOneOf(open(), job).catch(() => undefined), { timeout: 5_000 }).toMatchObject({ jobUid: job.uid });
  });

  test('the engines that all share are told with their keys still sealed, and what is said of them counts by the clock of the API', async () => {
    const calm = await openApi(open());
    onTestFinished(() => calm.close());
    const board = makeHttpEngines(callsTo([calm.url]));
    const engine = { ...ENGINE, accountId: await makeAccount(open()), sealedKey: 'v1.sealed' };
    await insertEngine(open().db, engine);
    expect(await board.list()).toContainEqual(engine);
    const { accountId, id: engineId } = engine;
    const model = { id: 'm', state: 'broken', why: 'It is silent.', limit: 4, inFlight: 1, inUse: true } as const;
    const lastError = { message: 'gone \0', at: NOW.toISOString() };
    const said = { accountId, engineId, process: 'gpu-7/1', models: [{ ...model, since: NOW.toISOString(), lastError }] };
    await board.report([said]);
    await board.report([{ ...said, process: 'gpu-8/1', models: [] }]);
    await board.leave('gpu-8/1');
    const stored = { ...said, models: [{ ...said.models[0], lastError: { ...lastError, message: 'gone \ufffd' } }], at: NOW };
    expect(await board.reports(accountId)).toEqual([stored]);
  });

  test('the models that are files are told as the database has them', async () => {
    const calm = await openApi(open());
    onTestFinished(() => calm.close());
    const { db } = open();
    const accountId = await makeAccount(open());
    await insertModel(db, {
      ...{ accountId, id: 'm', uid: randomUUID(), displayName: '', description: '', kind: 'HF_BASE_MODEL', state: 'READY' },
      ...{ public: false, details: { contextLength: 512 }, createdBy: 'ada', createdAt: NOW, updatedAt: NOW },
    });
    const file = { accountId, modelId: 'm', name: 'm.gguf', bytes: 5e9, createdAt: NOW, precision: 'Q8_0' };
    await db
      .insertInto('modelFile')
      .values({ ...file, objectKey: `models/${accountId}`, sha256: 'ab' })
      .execute();
    const told = await makeHttpModelFiles(callsTo([calm.url])).list();
    expect(told).toEqual(await makeModelFiles(open()).list());
    expect(told).toContainEqual(
      expect.objectContaining({ accountId, name: 'm.gguf', bytes: 5e9, details: { contextLength: 512 } }),
    );
  });

  test.each([
    ['another secret', { token: makeWorkerToken(randomBytes(32)) }, 'WORKER_TOKEN_REFUSED'],
    ['no token', { token: '' }, 'WORKER_TOKEN_REFUSED'],
    ['the secret itself', { token: SECRET.toString('hex') }, 'WORKER_TOKEN_REFUSED'],
    ['older tables', { tables: '0041-older' }, 'DATABASE_TOO_NEW'],
    ['newer tables', { tables: '0043-newer' }, 'API_TOO_OLD'],
  ])('a worker with %s is let do nothing', async (_, changes, reason) => {
    const heard: unknown[] = [];
    const calls = callsTo([api?.url ?? ''], { ...changes, onOutdated: (problem) => heard.push(problem) });
    const job = await makePlannedJob(open(), [1]);
    const lease = await takeOneOf(open(), job);
    await expect(makeHttpLeases(calls).commit([claimOf(lease)])).rejects.toMatchObject({ reason });
    expect(heard.length > 0).toBe(reason === 'DATABASE_TOO_NEW');
    expect(await open().leases.commit([claimOf(lease)])).toEqual([true]);
  });

  test.each([
    ['nothing', 'take', '{}', 400],
    ['a negative number', 'take', '{"max":-1,"waitMs":0}', 400],
    ['no JSON', 'commit', '{', 400],
    ['another call', 'drop-all-tables', '{}', 404],
    ['no call', 'toString', '{}', 404],
    ['a ticket that is none', 'keep', JSON.stringify({ leases: [{ ...LEASE, ticket: "x' or 1=1" }] }), 400],
    ['a shard that no job can have', 'keep', JSON.stringify({ leases: [{ ...LEASE, shard: 2 ** 31 }] }), 400],
    ['rows that end before they begin', 'keep', JSON.stringify({ leases: [{ ...LEASE, done: [[5, 3]] }] }), 400],
    ['a text that no database takes', 'take', '{"max":1,"waitMs":0,"without":[{"model":"a\\u0000"}]}', 400],
    ['too much', 'keep', `{"leases":[${' '.repeat(17 * 1024 * 1024)}]}`, 400],
  ])('a call that says %s is refused', async (_, call, body, status) => {
    const calm = await openApi(open());
    onTestFinished(() => calm.close());
    const reply = await fetch(`${calm.url}/internal/v1/worker/${call}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${makeWorkerToken(SECRET)}`, 'boatload-tables': TABLES },
      body,
    });
    expect(reply.status).toBe(status);
  });
});
