import { afterEach, expect, test } from 'vitest';
import { classifyEnd, classifyReply } from '../../src/engines/classify-failure.ts';
import type { EngineReply } from '../../src/engines/engine.ts';
import { makePool, type Pool, type PoolOptions, type Slot } from '../../src/engines/pool.ts';
import { openUpstream } from '../../src/engines/upstream.ts';
import { type HttpEngine, type HttpEngineOptions, startHttpEngine } from '../support/http-engine.ts';

const open: (() => unknown)[] = [];
afterEach(() => Promise.all(open.splice(0).map((close) => close())));

const NEVER = new AbortController().signal;

async function startPool(servers: readonly HttpEngineOptions[], options: PoolOptions & { limits?: readonly number[] } = {}) {
  const started = await Promise.all(servers.map((server) => startHttpEngine(server)));
  const engines = started.map(({ url }, at) => {
    const engine = openUpstream({ baseUrl: url });
    const limit = options.limits?.[at];
    return { engine, model: `model-${at}`, ...(limit === undefined ? {} : { limit }) };
  });
  const pool = makePool(engines, { trialMs: { first: 20, most: 100 }, ...options });
  open.push(
    () => pool.close(),
    ...engines.map(
      ({ engine }) =>
        () =>
          engine.close(),
    ),
    ...started.map((server) => () => server.close()),
  );
  return { pool, servers: started as [HttpEngine, ...HttpEngine[]] };
}

async function send(pool: Pool, content: string, job = 'job'): Promise<EngineReply> {
  const slot = await pool.acquire(job, NEVER);
  const body = [Buffer.from(JSON.stringify({ model: slot.model, messages: [{ role: 'user', content }] }))];
  const reply = await slot.answer({ path: '/v1/chat/completions', body }, NEVER);
  slot.release(classifyReply(reply));
  return reply;
}

/** Sends until it is answered, as a worker does. */
async function sendUntilAnswered(pool: Pool, content: string): Promise<EngineReply> {
  for (;;) {
    const reply = await send(pool, content);
    if (classifyReply(reply).verdict === 'success') return reply;
  }
}

const rows = (count: number) => Array.from({ length: count }, (_, at) => `row ${at}`);

test('gives an engine no more at once than its limit, and refills one by one', async () => {
  const { pool, servers } = await startPool([{ latency: [1, 10] }], { limit: 5 });
  await Promise.all(rows(100).map((row) => send(pool, row)));
  expect(servers[0].stats.mostInside).toBe(5);
  expect(pool.status()).toMatchObject([
    { engine: servers[0].url, model: 'model-0', limit: 5, inFlight: 0, state: 'ready', why: 'as many as it is said to take' },
  ]);
});

test('spreads rows over engines by what each can take', async () => {
  const { pool, servers } = await startPool([{ latency: [20, 20] }, { latency: [20, 20] }], { limits: [2, 6] });
  await Promise.all(rows(80).map((row) => send(pool, row)));
  const [small = 0, large = 0] = servers.map(({ stats }) => stats.requests);
  expect(small + large).toBe(80);
  expect(large / small).toBeGreaterThan(2);
  expect(large / small).toBeLessThan(4.5);
});

test('a place beside an engine is at another one, however much room the first has, and only while one is free', async () => {
  const { pool } = await startPool([{}, {}], { limits: [100, 2] });
  const first = await pool.acquire('job', NEVER);
  const [roomy, small] =
    first.model === 'model-0' ? [first, await pool.acquire('job', NEVER)] : [await pool.acquire('job', NEVER), first];
  expect([roomy.model, small.model]).toEqual(['model-0', 'model-1']);
  // The first engine is far emptier.
  const beside = pool.placeBeside(roomy.of);
  expect(beside?.model).toBe('model-1');
  expect(pool.placeBeside(roomy.of)).toBeUndefined();
  expect(pool.placeBeside(small.of)?.model).toBe('model-0');
  beside?.release();
  expect(pool.placeBeside(roomy.of)?.model).toBe('model-1');
});

test('takes turns between jobs, however many rows one of them has', async () => {
  const { pool } = await startPool([{}], { limit: 1 });
  const first = await pool.acquire('large', NEVER);
  const order: string[] = [];
  const wait = async (job: string) => {
    const slot = await pool.acquire(job, NEVER);
    order.push(job);
    slot.release();
  };
  const waiting = [...rows(50).map(() => wait('large')), wait('small'), wait('small'), wait('third')];
  first.release();
  await Promise.all(waiting);
  expect(order.slice(0, 6)).toEqual(['large', 'small', 'third', 'large', 'small', 'large']);
});

test('who waits can give up, and takes no place', async () => {
  const { pool } = await startPool([{}], { limit: 1 });
  const first = await pool.acquire('job', NEVER);
  const abort = new AbortController();
  const waiting = pool.acquire('job', abort.signal);
  abort.abort(new Error('cancelled'));
  await expect(waiting).rejects.toThrow('cancelled');
  await expect(pool.acquire('job', abort.signal)).rejects.toThrow('cancelled');
  first.release();
  first.release();
  const second = await pool.acquire('job', NEVER);
  expect(pool.status()[0]?.inFlight).toBe(1);
  second.release();
});

test('closing sends away who waits', async () => {
  const { pool } = await startPool([{}], { limit: 1 });
  await pool.acquire('job', NEVER);
  const waiting = pool.acquire('job', NEVER);
  pool.close();
  await expect(waiting).rejects.toThrow('closed');
  await expect(pool.acquire('job', NEVER)).rejects.toThrow('closed');
});

test('an engine that goes away is left alone, the others go on, and it is found again', async () => {
  const { pool, servers } = await startPool([{}, {}], { limit: 2 });
  await servers[0].close();
  await Promise.all(rows(40).map((row) => sendUntilAnswered(pool, row)));
  expect(servers[1]?.calls.size).toBe(40);
  expect(pool.status()).toMatchObject([
    { state: 'broken', limit: 1, why: expect.stringContaining('could not be reached') },
    { state: 'ready' },
  ]);
  const again = await startHttpEngine({ port: Number(new URL(servers[0].url).port) });
  open.push(() => again.close());
  // Each turn takes at least as long as an engine needs to be tried again in the end.
  while (again.stats.requests === 0) await Promise.all(rows(4).map((row) => sendUntilAnswered(pool, row)));
  expect(pool.status()).toMatchObject([{ state: 'ready', limit: 2 }, { state: 'ready' }]);
});

test('while no engine can answer, rows wait; then they go on by themselves', async () => {
  const { pool, servers } = await startPool([{}], { limit: 3 });
  await servers[0].close();
  for (const row of rows(3)) await send(pool, row);
  expect(pool.status()[0]?.state).toBe('broken');
  const waiting = Promise.all(rows(10).map((row) => sendUntilAnswered(pool, row)));
  const again = await startHttpEngine({ port: Number(new URL(servers[0].url).port) });
  open.push(() => again.close());
  await waiting;
  expect(again.calls.size).toBe(10);
  expect(pool.status()[0]?.state).toBe('ready');
});

test('only one request at a time tries an engine in trouble', async () => {
  let isDead = true;
  const { pool, servers } = await startPool([{ latency: [5, 5], script: () => (isDead ? 'reset' : undefined) }], { limit: 8 });
  const waiting = Promise.all(rows(20).map((row) => sendUntilAnswered(pool, row)));
  const { stats } = servers[0];
  const isTried = () => pool.status()[0]?.state === 'broken' && pool.status()[0]?.inFlight === 1;
  await servers[0].until(isTried);
  stats.mostInside = 0;
  const { requests } = stats;
  await servers[0].until(() => stats.requests === requests + 3);
  expect(stats.mostInside).toBe(1);
  isDead = false;
  await waiting;
});

test('an engine that answers everything with a 500 does not attract all rows', async () => {
  const { pool, servers } = await startPool([{ script: () => ({ status: 500 }) }, { latency: [2, 5] }], { limit: 4 });
  await Promise.all(rows(200).map((row) => sendUntilAnswered(pool, row)));
  expect(servers[0].stats.requests).toBeLessThan(60);
  expect(pool.status()).toMatchObject([{ state: 'broken', why: 'status 500' }, { state: 'ready' }]);
});

test('an engine that refuses our key is left alone, and says why', async () => {
  const { pool, servers } = await startPool([{ apiKey: 'another' }, {}], { limit: 2 });
  await Promise.all(rows(20).map((row) => sendUntilAnswered(pool, row)));
  expect(servers[1]?.calls.size).toBe(20);
  expect(pool.status()[0]).toMatchObject({ state: 'broken', why: 'Incorrect API key provided.' });
});

test('an engine that refuses the key of single requests is not left alone; one that refuses three in a row is', async () => {
  let isRefused = (count: number) => count % 5 === 0;
  const script = ({ count }: { readonly count: number }) => (isRefused(count) ? { status: 307 } : undefined);
  const { pool, servers } = await startPool([{ script }], { limit: 1, trialMs: { first: 600_000, most: 600_000 } });
  for (const row of rows(50)) await sendUntilAnswered(pool, row);
  expect(pool.status()).toMatchObject([{ state: 'ready' }]);
  isRefused = () => true;
  const { requests } = servers[0].stats;
  for (const row of rows(3)) await send(pool, row);
  expect(servers[0].stats.requests).toBe(requests + 3);
  expect(pool.status()).toMatchObject([{ state: 'broken', why: 'status 307' }]);
});

test('an engine that refuses one request in fifty, however many it has, keeps its places', async () => {
  const script = ({ count }: { readonly count: number }) => (count % 50 === 0 ? { status: 429 } : undefined);
  const { pool } = await startPool([{ latency: [5, 5], script }], { limit: 16 });
  await Promise.all(rows(420).map((row) => sendUntilAnswered(pool, row)));
  expect(pool.status()).toMatchObject([{ state: 'ready', limit: 16, why: 'as many as it is said to take' }]);
});

test('an engine that refuses more than it takes gets what it takes', async () => {
  const { pool, servers } = await startPool([{ latency: [5, 10], slots: 6, queue: 2 }]);
  await Promise.all(rows(400).map((row) => sendUntilAnswered(pool, row)));
  const { requests, refused } = servers[0].stats;
  expect(refused).toBeGreaterThan(0);
  expect(refused / requests).toBeLessThan(0.1);
  expect(pool.status()[0]?.limit).toBeLessThanOrEqual(10);
});

test('an engine that refuses everything is paused for as long as it asks', async () => {
  let refused = 0;
  const script = () => {
    if (refused === 3) return undefined;
    refused += 1;
    return { status: 503, headers: { 'retry-after': '0.3' } };
  };
  const { pool } = await startPool([{ script }], { limit: 1 });
  const began = performance.now();
  await send(pool, 'x');
  expect(pool.status()[0]).toMatchObject({ state: 'paused', why: 'status 503' });
  await sendUntilAnswered(pool, 'x');
  expect(performance.now() - began).toBeGreaterThan(850);
  expect(pool.status()[0]).toMatchObject({ state: 'ready' });
});

test('finds by itself how many an engine can use', async () => {
  const { pool, servers } = await startPool([{ latency: [20, 40], slots: 64 }]);
  await Promise.all(rows(3_000).map((row) => send(pool, row)));
  expect(servers[0].stats.mostWorking).toBeGreaterThan(40);
});

/** Waits in the pool as whoever it is and goes on at once; tells the order of those who got a place. */
function makeLine(pool: Pool) {
  const order: string[] = [];
  const pass = async (name: string, acquire: Promise<Slot>) => {
    const slot = await acquire;
    order.push(name);
    slot.release();
  };
  return {
    order,
    row: (job: string) => pass(job, pool.acquire(job, NEVER)),
    live: (account: string) => pass(account, pool.acquireLive(account, NEVER)),
  };
}

test('a live request gets the next free place, before the rows of all jobs that wait', async () => {
  const { pool } = await startPool([{}], { limit: 1 });
  const first = await pool.acquire('job', NEVER);
  const { order, row, live } = makeLine(pool);
  const waiting = [...rows(20).map(() => row('job')), row('other'), live('acme')];
  first.release();
  await Promise.all(waiting);
  expect(order.slice(0, 3)).toEqual(['acme', 'job', 'other']);
});

test('live requests take turns between accounts', async () => {
  const { pool } = await startPool([{}], { limit: 1 });
  const first = await pool.acquireLive('acme', NEVER);
  const { order, live } = makeLine(pool);
  const waiting = [...rows(5).map(() => live('acme')), live('bob'), live('bob'), live('carol')];
  first.release();
  await Promise.all(waiting);
  expect(order).toEqual(['acme', 'bob', 'carol', 'acme', 'bob', 'acme', 'acme', 'acme']);
});

test('live requests that never end leave every eighth place to rows', async () => {
  const { pool } = await startPool([{}], { limit: 1 });
  const first = await pool.acquire('job', NEVER);
  const { order, row, live } = makeLine(pool);
  const waiting = [...rows(4).map(() => row('job')), ...rows(100).map(() => live('acme'))];
  first.release();
  await Promise.all(waiting);
  expect(order.flatMap((name, at) => (name === 'job' ? [at] : []))).toEqual([7, 15, 23, 31]);
});

test('under real load a live request overtakes fifty jobs that fill the engine, and they go on', async () => {
  const { pool, servers } = await startPool([{ latency: [5, 15] }], { limit: 2 });
  const jobs = Promise.all(rows(200).map((row, at) => send(pool, row, `job ${at % 50}`)));
  await servers[0].until(() => servers[0].stats.requests > 10);
  const before = servers[0].stats.requests;
  const slot = await pool.acquireLive('acme', NEVER);
  const body = [Buffer.from(JSON.stringify({ model: slot.model, messages: [{ role: 'user', content: 'live' }] }))];
  slot.release(classifyReply(await slot.answer({ path: '/v1/chat/completions', body }, NEVER)));
  // Those that had their place when it came, and the few that got one while its answer was made.
  expect(servers[0].stats.requests - before).toBeLessThan(20);
  await jobs;
  expect(servers[0].calls.size).toBe(201);
});

test('so many live requests wait and no more; the next is told when to come again', async () => {
  const { pool } = await startPool([{}], { limit: 1, liveWaiting: 2 });
  const first = await pool.acquire('job', NEVER);
  expect(pool.liveRoom()).toEqual({ limit: 3, remaining: 2 });
  const waiting = [pool.acquireLive('acme', NEVER), pool.acquireLive('bob', NEVER)];
  expect(pool.liveRoom()).toEqual({ limit: 3, remaining: 0 });
  await expect(pool.acquireLive('carol', NEVER)).rejects.toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    reason: 'LIVE_QUEUE_FULL',
    details: { retryAfterSeconds: 1 },
  });
  first.release();
  for (const slot of waiting) (await slot).release();
  expect(pool.liveRoom()).toEqual({ limit: 3, remaining: 3 });
});

test('an account that fills the line keeps nobody out: its last makes room, until both have the same', async () => {
  const { pool } = await startPool([{}], { limit: 1, liveWaiting: 4 });
  const first = await pool.acquire('job', NEVER);
  const outcome = new Map<string, string>();
  const wait = (account: string, name: string) =>
    pool.acquireLive(account, NEVER).then(
      (slot) => {
        outcome.set(name, 'served');
        slot.release();
      },
      (cause: { readonly reason: string }) => void outcome.set(name, cause.reason),
    );
  const all = ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'b2', 'b3'].map((name) => wait(name.startsWith('a') ? 'acme' : 'bob', name));
  expect(pool.liveRoom().remaining).toBe(0);
  first.release();
  await Promise.all(all);
  const refused = [...outcome].filter(([, how]) => how === 'LIVE_QUEUE_FULL').map(([name]) => name);
  expect(refused.toSorted()).toEqual(['a3', 'a4', 'a5', 'b3']);
  expect([...outcome.values()].filter((how) => how === 'served')).toHaveLength(4);
  expect(pool.liveRoom()).toEqual({ limit: 5, remaining: 5 });
});

test('a live request that is given up leaves its place in the line', async () => {
  const { pool } = await startPool([{}], { limit: 1, liveWaiting: 1 });
  const first = await pool.acquire('job', NEVER);
  const abort = new AbortController();
  const waiting = pool.acquireLive('acme', abort.signal);
  abort.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  const next = pool.acquireLive('acme', NEVER);
  first.release();
  (await next).release();
});

test('while no engine answers, live requests are sent away at once, those that wait too, and rows wait on', async () => {
  const { pool, servers } = await startPool([{}], { limit: 1, trialMs: { first: 60_000, most: 60_000 } });
  await servers[0].close();
  await send(pool, 'one');
  await send(pool, 'two');
  const third = await pool.acquire('job', NEVER);
  const waiting = pool.acquireLive('acme', NEVER);
  const row = pool.acquire('job', NEVER);
  const body = [Buffer.from('{}')];
  third.release(classifyReply(await third.answer({ path: '/v1/chat/completions', body }, NEVER)));
  const refused = { code: 'UNAVAILABLE', reason: 'NO_ENGINE_ANSWERS', details: { retryAfterSeconds: expect.any(Number) } };
  await expect(waiting).rejects.toMatchObject(refused);
  await expect(pool.acquireLive('acme', NEVER)).rejects.toMatchObject(refused);
  pool.close();
  await expect(row).rejects.toThrow('closed');
});

test('a stream keeps its place until it has ended', async () => {
  const { pool } = await startPool([{}], { limit: 1 });
  const slot = await pool.acquireLive('acme', NEVER);
  const body = [Buffer.from(JSON.stringify({ stream: true, messages: [{ role: 'user', content: 'hello' }] }))];
  const reply = await slot.stream({ path: '/v1/chat/completions', body }, NEVER);
  if (reply.kind !== 'stream') throw new Error('There is no stream.');
  expect(pool.status()[0]?.inFlight).toBe(1);
  for await (const _ of reply.events);
  slot.release(classifyEnd(await reply.ended));
  expect(pool.status()[0]).toMatchObject({ inFlight: 0, state: 'ready' });
});
