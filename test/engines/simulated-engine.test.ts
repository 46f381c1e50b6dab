/** The simulated engine over HTTP: what benchmarks rely on. */
import { afterEach, expect, test } from 'vitest';
import { type EngineOptions, type SimulatedEngine, startEngines } from '../../bench/simulator/engine-process.ts';
import { openUpstream } from '../../src/engines/upstream.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

async function start(options: EngineOptions): Promise<SimulatedEngine> {
  const { engines, stop } = await startEngines([options]);
  stops.push(stop);
  return engines[0] as SimulatedEngine; // it was asked for one
}

const ask = ({ url }: SimulatedEngine, content: string, tokens: number, signal?: AbortSignal): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    ...(signal && { signal }),
    body: JSON.stringify({ messages: [{ role: 'user', content }], max_tokens: tokens, ignore_eos: true }),
  });

interface Answer {
  readonly usage: { readonly prompt_tokens_details: { readonly cached_tokens: number } };
}

const cachedOf = async (reply: Response): Promise<number> =>
  ((await reply.json()) as Answer).usage.prompt_tokens_details.cached_tokens;

const gaugeOf = ({ url }: SimulatedEngine) => openUpstream({ baseUrl: url }).gauge?.();

test('refuses what neither a slot nor its queue has room for, and takes it up when it has become larger', async () => {
  const engine = await start({ slots: 2, queue: 1, serviceMs: 3_600_000, hasGauge: true });
  const leave = new AbortController();
  const gone = [1, 2, 3].map(() => ask(engine, 'Hello', 256, leave.signal).catch(() => undefined));
  await expect.poll(() => gaugeOf(engine)).toEqual({ running: 2, waiting: 1 });
  expect((await ask(engine, 'Hello', 256)).status).toBe(429);
  await engine.change({ slots: 3 });
  expect(await gaugeOf(engine)).toEqual({ running: 3, waiting: 0 });
  leave.abort();
  await Promise.all(gone);
});

test('has the blocks of a prompt that was there before, and loses the end first when others need the room', async () => {
  const engine = await start({ slots: 1, serviceMs: 10, cache: { tokens: 160, msPerToken: 0.01 } });
  const [first, second] = ['a'.repeat(512), 'b'.repeat(512)];
  const cached: number[] = [];
  for (const prompt of [first, first, first.slice(0, 256) + second.slice(0, 256), second, first])
    cached.push(await cachedOf(await ask(engine, prompt, 4)));
  expect(cached).toEqual([0, 128, 64, 0, 32]);
});

test('shows how busy it is only where it has a gauge, and fails when told to', async () => {
  const [shown, hidden] = [await start({ slots: 4, serviceMs: 10, hasGauge: true }), await start({ slots: 4, serviceMs: 10 })];
  expect(await gaugeOf(shown)).toEqual({ running: 0, waiting: 0 });
  expect(await gaugeOf(hidden)).toBe('none');
  await hidden.change({ failing: 1 });
  expect((await ask(hidden, 'Hello', 4)).status).toBe(500);
});
