import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { makeRandomModel } from '../../../models/random/make-random-model.ts';
import { type StartedChild, startChild } from '../../../src/engines/embedded/start-child.ts';
import type { Engine } from '../../../src/engines/engine.ts';
import { makePool } from '../../../src/engines/pool.ts';
import { openUpstream } from '../../../src/engines/upstream.ts';
import { ask, askOne, COMPLETIONS, saying, send } from './ask.ts';

const SLOTS = 8;
const folder = mkdtempSync(join(tmpdir(), 'boatload-batching-'));
let child: StartedChild;
let engine: Engine;

beforeAll(async () => {
  const modelPath = join(folder, 'random.gguf');
  makeRandomModel(modelPath, { type: 'f32' });
  child = await startChild({ modelPath, modelId: 'random', slots: SLOTS, threads: 1, maxWaiting: SLOTS });
  engine = openUpstream({ baseUrl: child.baseUrl });
});

afterAll(async () => {
  await engine.close();
  await child.stop();
  rmSync(folder, { recursive: true });
});

/** The figures of `/metrics`, without their common prefix. */
async function readMetrics(): Promise<Record<string, number>> {
  const text = await (await fetch(new URL('/metrics', child.baseUrl))).text();
  return Object.fromEntries(
    Array.from(text.matchAll(/^boatload_engine_(\w+) (\d+)$/gm), ([, name, value]) => [name, Number(value)]),
  );
}

/** By how much the figures grow while something is done. */
async function growth(work: () => Promise<unknown>): Promise<(name: string) => number> {
  const before = await readMetrics();
  await work();
  const after = await readMetrics();
  return (name) => (after[name] ?? 0) - (before[name] ?? 0);
}

const story = (seed: number, maxTokens: number) =>
  saying(`${seed}: tell the story of the river`, { seed, temperature: 1, ignore_eos: true, max_tokens: maxTokens });
const idle = async () => expect.poll(readMetrics).toMatchObject({ requests_running: 0, requests_waiting: 0 });

test('batches are full: nearly every one holds a token of every active answer', async () => {
  const grew = await growth(() => Promise.all(Array.from({ length: SLOTS }, (_, seed) => askOne(engine, story(seed, 200)))));
  expect(grew('completion_tokens_total')).toBe(SLOTS * 200);
  expect(grew('batch_sequences_total') / grew('batch_active_total')).toBeGreaterThanOrEqual(0.95);
  expect(grew('batch_sequences_total') / grew('batches_total')).toBeGreaterThanOrEqual(0.95 * SLOTS);
});

test('batches stay full while rows of a job come and go: long and short prompts, long and short answers', async () => {
  const pool = makePool([{ engine, model: 'random', limit: SLOTS }]);
  const { signal } = new AbortController();
  const words = ['river', 'house', 'mother', 'water', 'sun'];
  const rows = Array.from({ length: 8 * SLOTS }, (_, row) => ({
    ...{ prompt: `${row} ${`${words[row % 5]} `.repeat(1 + ((row * 37) % 90))}`, max_tokens: 10 + ((row * 13) % 50) },
    ...{ ignore_eos: true, temperature: 1, seed: row },
  }));
  const runRow = async (row: object): Promise<void> => {
    const place = await pool.acquire('account', signal);
    const reply = await place.answer({ path: COMPLETIONS, body: [Buffer.from(JSON.stringify(row))] }, signal);
    place.release();
    expect(reply).toMatchObject({ kind: 'answer', status: 200 });
  };
  const grew = await growth(() => Promise.all(rows.map(runRow)));
  pool.close();
  expect(grew('completion_tokens_total')).toBe(rows.reduce((sum, row) => sum + row.max_tokens, 0));
  // Each of the tokens was computed in a batch with those of all others that were active.
  expect(grew('batch_sequences_total') / grew('batch_active_total')).toBeGreaterThanOrEqual(0.95);
  expect(grew('batch_sequences_total') / grew('batches_total')).toBeGreaterThanOrEqual(0.8 * SLOTS);
});

test('a prefix that rows share is evaluated once, and copied to all other slots', async () => {
  const shared = 'the quick story of the old river and the little sea '.repeat(40);
  const rows = Array.from({ length: 4 * SLOTS }, (_, row) => ({ prompt: `${shared} ${row}`, max_tokens: 4, temperature: 0 }));
  const single = (await ask(engine, { prompt: shared, max_tokens: 1 }, COMPLETIONS)).body.usage.prompt_tokens;
  const grew = await growth(async () => {
    for (let first = 0; first < rows.length; first += SLOTS) {
      await Promise.all(rows.slice(first, first + SLOTS).map((row) => ask(engine, row, COMPLETIONS)));
    }
  });
  const evaluated = grew('prompt_tokens_total') - grew('cached_tokens_total');
  expect(evaluated).toBeLessThan(single + rows.length * 8);
});

test('a copied prefix gives the answers that its evaluation gives', async () => {
  const shared = 'tell me of the water and the mother of the house '.repeat(20);
  const ends = ['cat', 'dog', 'sun', 'moon', 'tree', 'star'];
  const body = (end: string) => ({ prompt: `${shared} ${end}`, max_tokens: 24, temperature: 0, ignore_eos: true });
  const alone: string[] = [];
  for (const end of ends) alone.push((await askOne(engine, body(end), COMPLETIONS)).text);
  const grew = await growth(async () => {
    const together = await Promise.all(ends.map((end) => askOne(engine, body(end), COMPLETIONS)));
    expect(together.map(({ text }) => text)).toEqual(alone);
  });
  // One of the six evaluates the prefix, as the slot that holds it is taken; the others get copies.
  expect(grew('cached_tokens_total')).toBeGreaterThan(0.8 * grew('prompt_tokens_total'));
});

test('rows that share a prefix are answered where there is no room to save it', async () => {
  const scratch = join(folder, 'scratch');
  mkdirSync(scratch);
  vi.stubEnv('TMPDIR', scratch);
  const cramped = await startChild({ modelPath: join(folder, 'random.gguf'), modelId: 'random', slots: 4, maxWaiting: 8 });
  vi.unstubAllEnvs();
  const there = openUpstream({ baseUrl: cramped.baseUrl });
  rmSync(scratch, { recursive: true });
  const rows = ['cat', 'dog', 'sun', 'moon'].map((end) => ({ prompt: `${'water '.repeat(200)}${end}`, max_tokens: 2 }));
  const answers = await Promise.all(rows.map((row) => ask(there, row, COMPLETIONS)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  await there.close();
  await cramped.stop();
});

test('who hangs up while another evaluates what both begin with keeps no slot until that has ended', async () => {
  const prompt = 'the little house of the old mother '.repeat(200);
  const stop = new AbortController();
  const first = ask(engine, { prompt, max_tokens: 1 }, COMPLETIONS).then(() => performance.now());
  await expect.poll(readMetrics, { interval: 5 }).toMatchObject({ requests_running: 1 });
  const second = send(engine, { prompt: `${prompt} sun`, max_tokens: 1 }, COMPLETIONS, stop.signal);
  await expect.poll(readMetrics, { interval: 5 }).toMatchObject({ requests_running: 2 });
  const hungUp = performance.now();
  stop.abort();
  await expect.poll(readMetrics, { interval: 5 }).toMatchObject({ requests_running: 1 });
  const left = performance.now();
  expect(await second).toMatchObject({ kind: 'silence', cause: 'aborted' });
  const answered = await first;
  expect((left - hungUp) / (answered - hungUp)).toBeLessThan(0.5);
});

test('choices share the evaluation of their prompt', async () => {
  const prompt = 'a story of a happy dog and a sad cat '.repeat(30);
  const grew = await growth(async () => {
    const { usage } = (await ask(engine, { prompt, n: 6, max_tokens: 2, ignore_eos: true, temperature: 1 }, COMPLETIONS)).body;
    expect(usage.prompt_tokens_details.cached_tokens).toBeLessThan(usage.prompt_tokens / 2);
    expect(usage.completion_tokens).toBe(12);
  });
  const each = grew('prompt_tokens_total') / 6;
  expect(grew('prompt_tokens_total') - grew('cached_tokens_total')).toBeLessThan(each + 12);
});

test('short answers do not wait for long prompts of others', async () => {
  let longDone = 0;
  const long = Array.from({ length: SLOTS - 1 }, (_, row) =>
    ask(engine, { prompt: `${row} ${'water '.repeat(1_900)}`, max_tokens: 60, ignore_eos: true }, COMPLETIONS).then(
      () => longDone++,
    ),
  );
  await expect.poll(readMetrics).toMatchObject({ requests_running: SLOTS - 1 });
  for (const word of ['one', 'two', 'three']) await ask(engine, { prompt: word, max_tokens: 1 }, COMPLETIONS);
  expect(longDone).toBe(0);
  await Promise.all(long);
});

test('what is too much is refused with 429 and a time to come again', async () => {
  const stop = new AbortController();
  const held = Array.from({ length: 2 * SLOTS }, (_, seed) => send(engine, story(seed, 1_500), undefined, stop.signal));
  await expect.poll(readMetrics).toMatchObject({ requests_running: SLOTS, requests_waiting: SLOTS });
  const reply = await send(engine, story(99, 1));
  expect(reply).toMatchObject({ kind: 'answer', status: 429, headers: { 'retry-after': '1' } });
  stop.abort();
  await Promise.all(held);
  await idle();
});

test('a client that hangs up frees its slot, while it waits, during its prompt and during its answer', async () => {
  const before = (await readMetrics())['completion_tokens_total'] ?? 0;
  const stop = new AbortController();
  const prompt = 'moon '.repeat(1_500);
  const asked = Array.from({ length: 2 * SLOTS }, (_, row) =>
    send(engine, { prompt: `${row} ${prompt}`, max_tokens: 500, ignore_eos: true }, COMPLETIONS, stop.signal),
  );
  await expect.poll(readMetrics).toMatchObject({ requests_running: SLOTS, requests_waiting: SLOTS });
  stop.abort();
  for (const reply of await Promise.all(asked)) expect(reply).toMatchObject({ kind: 'silence', cause: 'aborted' });
  await idle();
  expect(((await readMetrics())['completion_tokens_total'] ?? 0) - before).toBeLessThan(SLOTS * 500);
  expect((await ask(engine, story(1, 2))).status).toBe(200);
});
