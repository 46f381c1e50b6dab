/** `boatload engine` at a server that runs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { START_MS, startServer, type TestServer } from '../client/server.ts';
import { startHttpEngine } from '../support/http-engine.ts';
import { makeHome, makeTyping } from './on-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
}, START_MS);
afterAll(() => server?.close());

const KEY = 'sk-for-a-test';
const type = makeTyping(() => server, 'boatload');
const cellsOf = (text: string, line: number) => (text.split('\n')[line] ?? '').split(/ {2,}/);

async function startEngine() {
  const engine = await startHttpEngine({ apiKey: KEY, models: [{ id: 'Org/Big-1', max_model_len: 4_096 }, { id: 'small' }] });
  onTestFinished(() => engine.close());
  const keyFile = join(makeHome(), 'key');
  writeFileSync(keyFile, `${KEY}\n`);
  return { ...engine, url: engine.url, keyFile };
}

test('an engine is added with a key and a name for its model, listed, tried, changed, drained, resumed and removed', async () => {
  const { url, keyFile } = await startEngine();
  const added = await type(
    'engine',
    'add',
    url,
    '--name',
    'gpu',
    '--key-file',
    keyFile,
    '--model',
    'Org/Big-1=big',
    '--limit',
    '4',
  );
  expect(added).toMatchObject({ code: 0, stderr: expect.stringContaining('gpu is openai-compatible and serves') });
  expect(cellsOf(added.stdout, 1)).toEqual(['big', 'Org/Big-1', '4096', '-']);
  const list = (await type('engine', 'list')).stdout;
  expect(cellsOf(list, 0)).toEqual(['ENGINE', 'STATE', 'IN FLIGHT', 'KIND', 'MODELS', 'URL', 'WHY']);
  expect(cellsOf(list, 1)).toEqual(['gpu', 'READY', '0/4', 'openai-compatible', 'big', url, 'as many as it is said to take']);
  expect(await type('engine', 'test', 'gpu')).toMatchObject({ code: 0, stderr: expect.stringMatching(/✓ big answered in \d+/) });
  const changed = await type('engine', 'update', 'gpu', '--limit', '9', '--rpm', '600', '--json');
  expect(JSON.parse(changed.stdout)).toMatchObject({ maxInFlight: 9, requestsPerMinute: 600, hasKey: true, limit: 9 });
  const shown = (await type('engine', 'get', 'gpu')).stdout;
  expect(shown).toContain('Max In Flight: 9');
  expect(shown).toMatch(/^PROCESS/m);
  expect(await type('engine', 'drain', 'gpu')).toMatchObject({ code: 0, stderr: expect.stringContaining('DRAINING') });
  expect(await type('engine', 'resume', 'gpu')).toMatchObject({ code: 0, stderr: expect.stringContaining('READY') });
  expect((await type('engine', 'remove', 'gpu')).code).toBe(0);
  expect(await type('engine', 'get', 'gpu')).toMatchObject({ code: 5, stderr: expect.stringContaining('ENGINE_NOT_FOUND') });
});

test('an engine that is not there, or refuses the key, is refused in words', async () => {
  const { url } = await startEngine();
  expect(await type('engine', 'add', url)).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('Give a key that it knows'),
  });
  const away = await type('engine', 'add', 'http://127.0.0.1:9/v1');
  expect(away).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing listens there') });
  const kept = await type('engine', 'add', 'http://127.0.0.1:9/v1', '--name', 'later', '--model', 'm', '--anyway');
  expect(kept.code).toBe(0);
  expect((await type('engine', 'test', 'later')).code).toBe(1);
  expect((await type('engine', 'remove', 'later')).code).toBe(0);
});
