/** A pool whose engines come and go, are asked how they are, and have budgets. */
import { expect, onTestFinished, test } from 'vitest';
import { Budget } from '../../src/engines/budget.ts';
import { classifyReply } from '../../src/engines/classify-failure.ts';
import { Gate } from '../../src/engines/gate.ts';
import { makePool, type Pool, type PoolOptions } from '../../src/engines/pool.ts';
import { openUpstream } from '../../src/engines/upstream.ts';
import { type HttpEngineOptions, startHttpEngine } from '../support/http-engine.ts';

const NEVER = new AbortController().signal;

async function startEngine(options: HttpEngineOptions = {}) {
  const server = await startHttpEngine(options);
  const engine = openUpstream({ baseUrl: server.url });
  onTestFinished(async () => {
    await engine.close();
    await server.close().catch(() => undefined);
  });
  return { server, engine, pooled: { engine, model: 'test-model' } };
}

function openPool(options: PoolOptions = {}): Pool {
  const pool = makePool([], { trialMs: { first: 20, most: 100 }, ...options });
  onTestFinished(() => pool.close());
  return pool;
}

async function send(pool: Pool, content: string): Promise<string> {
  const slot = await pool.acquire('job', NEVER);
  const body = [Buffer.from(JSON.stringify({ model: slot.model, messages: [{ role: 'user', content }] }))];
  const verdict = classifyReply(await slot.answer({ path: '/v1/chat/completions', body }, NEVER));
  slot.release(verdict);
  return verdict.verdict;
}

const sendAll = (pool: Pool, count: number) => Promise.all(Array.from({ length: count }, (_, at) => send(pool, `row ${at}`)));

test('who waits at a pool without engines is served by the first that comes', async () => {
  const pool = openPool();
  const sending = send(pool, 'hello');
  await expect(pool.acquireLive('acme', NEVER)).rejects.toMatchObject({ reason: 'NO_ENGINE_ANSWERS' });
  const { pooled } = await startEngine();
  pool.add(pooled);
  expect(await sending).toBe('success');
});

test('an engine that is removed finishes what it has, and the others take the rest', async () => {
  const pool = openPool({ limit: 4 });
  const [leaving, staying] = [await startEngine({ latency: [100, 100] }), await startEngine()];
  pool.add(leaving.pooled);
  const sending = sendAll(pool, 40);
  await leaving.server.until(() => leaving.server.stats.working === 4);
  pool.add(staying.pooled);
  const removed = pool.remove(leaving.pooled);
  expect(pool.status()).toMatchObject([{ state: 'draining', inFlight: 4, limit: 0 }, { state: 'ready' }]);
  await removed;
  expect(pool.status()).toMatchObject([{ state: 'ready' }]);
  expect(new Set(await sending)).toEqual(new Set(['success']));
  expect([leaving.server.stats.requests, leaving.server.stats.hungUp]).toEqual([4, 0]);
  expect(staying.server.stats.requests).toBe(36);
  await pool.remove(leaving.pooled);
});

test('an engine of which nothing is heard is left alone, and taken again once it is heard of', async () => {
  const pool = openPool();
  const { engine, pooled, server } = await startEngine();
  pool.add(pooled);
  expect(pool.isSilent(pooled, 60_000)).toBe(true);
  expect(await send(pool, 'hello')).toBe('success');
  expect(pool.isSilent(pooled, 60_000)).toBe(false);
  await server.close();
  const ask = async () => pool.heard(pooled, classifyReply(await engine.question()));
  await ask();
  expect(pool.status()[0]?.state).toBe('ready');
  await ask();
  expect(pool.status()[0]).toMatchObject({
    state: 'broken',
    lastError: { message: expect.stringContaining('nothing listens there') },
  });
  const again = await startHttpEngine({ port: Number(new URL(server.url).port) });
  onTestFinished(() => again.close());
  await ask();
  expect(pool.status()[0]?.state).toBe('ready');
  expect(await send(pool, 'hello again')).toBe('success');
});

test('that an engine is there does not make it well which refuses our key', async () => {
  const pool = openPool({ trialMs: { first: 60_000, most: 60_000 } });
  const { pooled } = await startEngine({ script: () => ({ status: 401 }) });
  pool.add(pooled);
  expect(await send(pool, 'hello')).toBe('fatal');
  pool.heard(pooled, { verdict: 'success', cause: 'ok', message: '', refused: false });
  expect(pool.status()[0]?.state).toBe('broken');
});

test('a budget of one engine holds for all its models together, and another engine takes what is beyond it', async () => {
  const { engine, server } = await startEngine();
  const free = await startEngine();
  const budget = new Budget({ requestsPerMinute: 60 });
  const pools = ['a', 'b'].map((model) => {
    const pool = openPool();
    pool.add({ engine, model, budget });
    return pool;
  });
  const [first, second] = pools as [Pool, Pool];
  expect(await Promise.all([send(first, '1'), send(second, '2'), send(first, '3')])).toEqual(Array(3).fill('success'));
  first.add(free.pooled);
  await sendAll(first, 20);
  // Six at once and one a second; how long the test takes is the machine's business.
  const [{ since } = { since: new Date() }] = second.status();
  const seconds = (Date.now() - since.getTime()) / 1_000;
  expect(server.stats.requests).toBeLessThanOrEqual(6 + Math.ceil(seconds) + 1);
  expect(server.stats.requests + free.server.stats.requests).toBe(23);
});

test('whoever waits for a budget alone is woken when it opens', async () => {
  const { pooled } = await startEngine();
  const pool = openPool();
  pool.add({ ...pooled, budget: new Budget({ requestsPerMinute: 600 }) });
  expect(new Set(await sendAll(pool, 70))).toEqual(new Set(['success']));
});

test('a budget that opens after nobody found a place is still something to wait for, while there is room', async () => {
  const { pooled } = await startEngine();
  const gate = new Gate({
    ...pooled,
    limit: 2,
    trialMs: { first: 20, most: 100 },
    budget: new Budget({ requestsPerMinute: 1 }),
    onRoom: () => {},
  });
  const pass = gate.enter();
  const opensMs = gate.nextAtMs(performance.now()) ?? 0;
  expect(gate.load(opensMs - 1)).toBe(Number.POSITIVE_INFINITY);
  expect(gate.nextAtMs(opensMs + 1)).toBe(opensMs + 1);
  gate.enter();
  expect(gate.nextAtMs(opensMs + 600_000)).toBeUndefined();
  gate.leave(pass);
  expect(gate.nextAtMs(opensMs + 600_000)).toBe(opensMs + 600_000);
});
