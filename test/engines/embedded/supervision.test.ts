import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { makeRandomModel } from '../../../models/random/make-random-model.ts';
import { makeLog } from '../../../src/base/log.ts';
import { openEmbeddedEngine } from '../../../src/engines/embedded/open-embedded.ts';
import { TICKETS_MODEL } from '../../support/models.ts';
import { askOne, saying, send } from './ask.ts';

const folder = mkdtempSync(join(tmpdir(), 'boatload-supervision-'));
const EMBEDDED = fileURLToPath(new URL('../../../src/engines/embedded', import.meta.url));
const SHORT = saying('How do I print a newsletter as JSON', { temperature: 0, max_tokens: 4 });
const LONG = saying('Tell me a story.', { max_tokens: 400, ignore_eos: true });

afterAll(() => rmSync(folder, { recursive: true }));

/** Opens the engine on the tickets model; `pids` grows with every child that gets ready. */
async function open() {
  const lines: Record<string, unknown>[] = [];
  const log = makeLog({ level: 'info', to: { write: (line) => void lines.push(JSON.parse(line)) } });
  const engine = await openEmbeddedEngine({ modelPath: TICKETS_MODEL, modelId: 'tickets', slots: 4, threads: 1, log });
  return { engine, lines, pids: () => lines.filter(({ msg }) => msg === 'engine started').map(({ pid }) => Number(pid)) };
}

const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const last = (pids: number[]): number => pids.at(-1) ?? Number.NaN;

test('a child that is killed comes back by itself, and what it was asked is answered', async () => {
  const { engine, pids } = await open();
  const usual = (await askOne(engine, SHORT)).message.content;
  const asked = Array.from({ length: 4 }, () => send(engine, LONG));
  process.kill(last(pids()), 'SIGKILL');
  await expect.poll(() => engine.models().catch(({ reason }) => reason)).toBe('ENGINE_UNREACHABLE');
  for (const reply of await Promise.all(asked)) expect(reply).toMatchObject({ kind: 'answer', status: 200 });
  expect(pids()).toHaveLength(2);
  expect((await askOne(engine, SHORT)).message.content).toBe(usual);
  await engine.close();
  expect(pids().filter(lives)).toEqual([]);
});

test('a child that dies five times without an answer in between stays down, and the engine says why', async () => {
  const { engine, lines, pids } = await open();
  for (let death = 1; death <= 5; death++) {
    await expect.poll(() => pids().length, { timeout: 30_000 }).toBe(death);
    process.kill(last(pids()), 'SIGKILL');
  }
  await expect.poll(() => lines.at(-1)?.['msg'], { timeout: 10_000 }).toBe('engine stays down');
  expect(await send(engine, SHORT)).toHaveProperty('message', expect.stringMatching(/stays down/));
  expect(pids()).toHaveLength(5);
  await engine.close();
});

test('an engine that is closed while its child comes back leaves nothing behind', async () => {
  const { engine, lines, pids } = await open();
  process.kill(last(pids()), 'SIGKILL');
  await expect.poll(() => lines.at(-1)?.['msg']).toBe('engine died');
  await engine.close();
  expect(pids().filter(lives)).toEqual([]);
  expect(await send(engine, SHORT)).toMatchObject({ kind: 'silence', cause: 'connection' });
});

test('a parent that is killed takes its child along', async () => {
  const script = join(folder, 'parent.mjs');
  writeFileSync(
    script,
    `import { startChild } from ${JSON.stringify(join(EMBEDDED, 'start-child.ts'))};
     const { pid } = await startChild({ modelPath: ${JSON.stringify(TICKETS_MODEL)}, modelId: 'tickets', maxWaiting: 1 });
     console.log(pid);
     setInterval(() => {}, 1000);`,
  );
  const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(parent.stdout, 'data');
  const pid = Number(String(line));
  expect(lives(pid)).toBe(true);
  parent.kill('SIGKILL');
  await expect.poll(() => lives(pid), { timeout: 10_000 }).toBe(false);
});

test('a child that is still loading says so', async () => {
  const options = { modelPath: TICKETS_MODEL, modelId: 'tickets', maxWaiting: 1, scratchFolder: folder };
  const child = fork(join(EMBEDDED, 'child.ts'), [JSON.stringify(options)], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [listening] = await once(child, 'message');
  const ready = once(child, 'message');
  const health = () => fetch(`http://127.0.0.1:${(listening as { port: number }).port}/health`);
  const early = await health();
  expect([early.status, early.headers.get('retry-after')]).toEqual([503, '1']);
  await ready;
  expect((await health()).status).toBe(200);
  child.kill('SIGKILL');
});

test('a missing file and one that is no model are refused at once', async () => {
  await expect(openEmbeddedEngine({ modelPath: join(folder, 'none.gguf'), modelId: 'x' })).rejects.toMatchObject({
    reason: 'MODEL_FILE_NOT_FOUND',
  });
  const junk = join(folder, 'junk.gguf');
  writeFileSync(junk, 'This is a text.'.repeat(1000));
  await expect(openEmbeddedEngine({ modelPath: junk, modelId: 'x' })).rejects.toMatchObject({ reason: 'MODEL_FILE_INVALID' });
  writeFileSync(junk, '');
  await expect(openEmbeddedEngine({ modelPath: junk, modelId: 'x' })).rejects.toMatchObject({ reason: 'MODEL_FILE_INVALID' });
});

test('a model that is cut off, garbled or lacks what llama.cpp asserts is refused with a sentence', async () => {
  const whole = readFileSync(TICKETS_MODEL);
  const broken = {
    'cut.gguf': whole.subarray(0, whole.length / 2),
    'header.gguf': whole.subarray(0, 64),
    'garbled.gguf': Buffer.concat([Buffer.from('GGUF'), Buffer.alloc(4096, 0xab)]),
    'no-epsilon.gguf': Buffer.from(
      whole.toString('latin1').replaceAll('layer_norm_rms_epsilon', 'layer_norm_rms_epsilux'),
      'latin1',
    ),
    'no-tokens.gguf': Buffer.from(
      whole
        .toString('latin1')
        .replaceAll('tokenizer.ggml.scores', 'tokenizer.ggml.scoret')
        .replaceAll('tokenizer.ggml.model', 'tokenizer.ggml.modem'),
      'latin1',
    ),
  };
  for (const [name, bytes] of Object.entries(broken)) {
    const modelPath = join(folder, name);
    writeFileSync(modelPath, bytes);
    const refused = await openEmbeddedEngine({ modelPath, modelId: 'x' }).then(
      () => 'opened',
      (error) => error.reason,
    );
    expect([name, refused]).toEqual([name, 'MODEL_FILE_INVALID']);
  }
});

test('weights that are not numbers are found before anybody is answered', async () => {
  const modelPath = join(folder, 'nan.gguf');
  makeRandomModel(modelPath, { type: 'f32' });
  const file = openSync(modelPath, 'r+');
  writeSync(file, Buffer.from(new Float32Array(64).fill(Number.NaN).buffer), 0, 256, statSync(modelPath).size - 256);
  closeSync(file);
  await expect(openEmbeddedEngine({ modelPath, modelId: 'x' })).rejects.toMatchObject({
    reason: 'MODEL_FILE_INVALID',
    message: expect.stringContaining('not numbers'),
  });
});

test('a context that no memory holds is refused with a sentence', async () => {
  const asked = openEmbeddedEngine({ modelPath: TICKETS_MODEL, modelId: 'x', slots: 64, contextSize: 8_192, memoryBytes: 100e6 });
  await expect(asked).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'MODEL_TOO_LARGE' });
});
