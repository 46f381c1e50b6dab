import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { classifyReply } from '../../src/engines/classify-failure.ts';
import { makeEchoEngine } from '../../src/engines/echo.ts';
import { makePool, type Pool, type PoolOptions } from '../../src/engines/pool.ts';
import { FoundLimits } from '../../src/shelf/found-limits.ts';
import { makeFolder } from '../support/folder.ts';

const NEVER = new AbortController().signal;

const openPool = (options: PoolOptions): Pool => makePool([{ engine: makeEchoEngine(), model: 'echo' }], options);

async function sendRow(pool: Pool): Promise<void> {
  const slot = await pool.acquire('account', NEVER);
  const body = [Buffer.from('{"model":"echo","messages":[{"role":"user","content":"hi"}]}')];
  slot.release(classifyReply(await slot.answer({ path: '/v1/chat/completions', body }, NEVER)));
}

/** A folder in which 1,000 was kept for the echo engine at noon. */
async function keptAtNoon(): Promise<string> {
  const dir = await makeFolder();
  const pool = openPool({ limit: 1_000 });
  await sendRow(pool);
  await (await FoundLimits.open(dir, at('12:00'))).keep(pool.status());
  return dir;
}

const at = (time: string) => ({ now: () => new Date(`2026-11-23T${time}:00Z`) });

test('after a restart at once an engine gets as many as before', async () => {
  const limits = await FoundLimits.open(await keptAtNoon(), at('12:02'));
  expect(limits.startOf('echo', 'echo')).toBe(1_000);
});

test('the search for an engine’s limit goes on after a restart, a little below where it was', async () => {
  const limits = await FoundLimits.open(await keptAtNoon(), at('12:59'));
  const pool = openPool({ startOf: (engine, model) => limits.startOf(engine, model) });
  expect(pool.status()).toMatchObject([{ limit: 700, why: 'finding out how many it can use' }]);
  expect(limits.startOf('echo', 'another model')).toBeUndefined();
});

test('what a search finds is kept while it goes on', async () => {
  const dir = await makeFolder();
  let current = openPool({ limit: 300 });
  const end = (await FoundLimits.open(dir)).watch(() => current.status());
  onTestFinished(end);
  await sendRow(current);
  const kept = async () => (await FoundLimits.open(dir)).startOf('echo', 'echo');
  await expect.poll(kept, { timeout: 5_000 }).toBe(300);
  current = openPool({ limit: 600 });
  await sendRow(current);
  await expect.poll(kept, { timeout: 5_000 }).toBe(600);
  end();
  current = openPool({ limit: 900 });
  await sendRow(current);
  await delay(500);
  expect(await kept()).toBe(600);
});

test('what was found long ago is forgotten', async () => {
  const limits = await FoundLimits.open(await keptAtNoon(), at('13:01'));
  expect(limits.startOf('echo', 'echo')).toBeUndefined();
});

test('nothing is kept of an engine that got nothing', async () => {
  const dir = await makeFolder();
  await (await FoundLimits.open(dir, at('12:00'))).keep(openPool({ limit: 1_000 }).status());
  expect((await FoundLimits.open(dir, at('12:00'))).startOf('echo', 'echo')).toBeUndefined();
});

test('a broken file, or a folder that can’t be written, costs a search and nothing else', async () => {
  const dir = await keptAtNoon();
  await writeFile(join(dir, 'found-limits.json'), '[{"engine":"echo","model":"ec');
  expect((await FoundLimits.open(dir, at('12:00'))).startOf('echo', 'echo')).toBeUndefined();
  const pool = openPool({ limit: 1_000 });
  await sendRow(pool);
  const nowhere = await FoundLimits.open(join(dir, 'gone'), at('12:00'));
  await nowhere.keep(pool.status());
  expect(nowhere.startOf('echo', 'echo')).toBe(1_000);
});
