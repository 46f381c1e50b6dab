/** Models that leave the memory while nobody asks them, and take turns in it where it does not hold all. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { makeRandomModel } from '../../../models/random/make-random-model.ts';
import { makeLog } from '../../../src/base/log.ts';
import { EngineMemory } from '../../../src/engines/embedded/engine-memory.ts';
import type { KeptChildOptions } from '../../../src/engines/embedded/kept-child.ts';
import { openEmbeddedEngine } from '../../../src/engines/embedded/open-embedded.ts';
import type { Engine, EngineStream } from '../../../src/engines/engine.ts';
import { ask, askOne, COMPLETIONS, send } from './ask.ts';

const folder = mkdtempSync(join(tmpdir(), 'boatload-unloading-'));
const MODEL = join(folder, 'random.gguf');
/** One of these models fits; beside it there is no room for another one's weights, not to speak of a context. */
const ONE_FITS = 145e6;
/** Two fit, but not a third one, with whatever context. */
const TWO_FIT = 250e6;
/** One fits, and a second one with a shorter context. */
const ONE_AND_LESS = 200e6;
const SLOTS = 4;
/** For what takes a child's start and end on a busy machine. */
const PATIENT = { timeout: 20_000 };

beforeAll(() => void makeRandomModel(MODEL, { shape: { dimension: 512, feedForward: 1_024 } }));
afterAll(() => rmSync(folder, { recursive: true }));

interface Line {
  readonly msg: string;
  readonly engine: string;
  readonly pid: number;
  readonly contextSize: number;
  readonly inFlight: number;
}

type Opening = Partial<KeptChildOptions>;

/** Opens engines on one memory, whose log lines are told in one list; they are closed with the test. */
function openHouse(shared: Opening = {}) {
  const lines: Line[] = [];
  const log = makeLog({ level: 'info', to: { write: (line) => void lines.push(JSON.parse(line)) } });
  const memory = new EngineMemory({ turnMs: 100 });
  const open = async (modelId: string, own: Opening = {}): Promise<Engine> => {
    const options = { modelPath: MODEL, modelId, slots: SLOTS, threads: 1, log, memory, unloadIdleMs: 0, ...shared, ...own };
    const engine = await openEmbeddedEngine(options);
    onTestFinished(() => engine.close());
    return engine;
  };
  const said = (what: string) => lines.filter(({ msg }) => msg === what);
  return { open, lines, said, pids: () => said('engine started').map(({ pid }) => pid) };
}

const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
/** Looks as often as it can: what is waited for may be over in a millisecond. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await nextTurn();
}
const row = (seed: number, tokens = 8) => ({
  ...{ prompt: `${seed}: tell the story of the river`, max_tokens: tokens },
  ...{ ignore_eos: true, temperature: 0 },
});
const write = async (engine: Engine, seed: number): Promise<string> => (await askOne(engine, row(seed), COMPLETIONS)).text;
const sendAll = (engine: Engine, count: number, tokens?: number) =>
  Array.from({ length: count }, (_, seed) => send(engine, row(seed, tokens), COMPLETIONS));
async function openStream(engine: Engine, tokens: number): Promise<EngineStream> {
  const body = [Buffer.from(JSON.stringify({ ...row(1, tokens), stream: true }))];
  const stream = await engine.stream({ path: COMPLETIONS, body }, new AbortController().signal);
  if (stream.kind !== 'stream') throw new Error('It answered no stream.');
  return stream;
}
/** However slow the machine: what the child has begun is still to be done when it goes on. */
function halt(pid: number | undefined): () => void {
  if (pid === undefined) throw new Error('No child has started.');
  process.kill(pid, 'SIGSTOP');
  return () => void process.kill(pid, 'SIGCONT');
}
const countEvents = async ({ events }: EngineStream): Promise<number> => (await Array.fromAsync(events)).length;
const residentBytes = (pids: readonly number[]): number =>
  pids
    .map((pid) => Number(spawnSync('ps', ['-o', 'rss=', '-p', String(pid)]).stdout) * 1024)
    .reduce((sum, bytes) => sum + bytes, 0);

test('a model that nobody asks gives its memory back, and the next row is answered as before', async () => {
  const { open, said, pids } = openHouse({ unloadIdleMs: 300 });
  const engine = await open('a');
  const before = await write(engine, 1);
  const models = await engine.models();
  expect(residentBytes(pids())).toBeGreaterThan(50e6);
  await expect.poll(() => said('model unloaded'), PATIENT).toMatchObject([{ pid: pids()[0], why: 'nobody asked it for 0.3 s' }]);
  expect([residentBytes(pids()), engine.isUnloaded]).toEqual([0, true]);
  // What it serves is told from memory.
  expect([await engine.models(), pids().length, engine.slots]).toEqual([models, 1, SLOTS]);
  expect(await write(engine, 1)).toBe(before);
  expect([pids().length, engine.isUnloaded]).toEqual([2, false]);
});

test('a model is not idle while an answer is being written, streamed ones too', async () => {
  const { open, said } = openHouse({ unloadIdleMs: 1 });
  const engine = await open('a');
  const stream = await openStream(engine, 400);
  const unloadedBefore = said('model unloaded').length;
  expect(await countEvents(stream)).toBeGreaterThan(100);
  expect((await stream.ended).silence).toBeUndefined();
  expect(said('model unloaded').length).toBe(unloadedBefore);
  await expect.poll(() => said('model unloaded').length, PATIENT).toBe(unloadedBefore + 1);
});

test('rows that arrive while it unloads wait for it to be loaded again, all of them for the same child', async () => {
  const { open, said, pids } = openHouse({ unloadIdleMs: 300 });
  const engine = await open('a');
  await until(() => engine.isUnloaded === true);
  expect(lives(pids()[0] ?? 0)).toBe(true);
  const replies = sendAll(engine, 3 * SLOTS);
  expect(said('model unloaded')).toEqual([]);
  for (const reply of await Promise.all(replies)) expect(reply).toMatchObject({ kind: 'answer', status: 200 });
  expect(pids().length).toBe(2);
});

test('who gives up while it is loaded again is let go at once, and an engine that is closed then leaves nothing behind', async () => {
  const { open, pids } = openHouse({ unloadIdleMs: 50 });
  const engine = await open('a');
  await until(() => engine.isUnloaded === true);
  const stop = new AbortController();
  const given = send(engine, row(1), COMPLETIONS, stop.signal);
  const kept = send(engine, row(1), COMPLETIONS);
  stop.abort();
  expect(await given).toMatchObject({ kind: 'silence', cause: 'aborted' });
  await engine.close();
  expect(await kept).toMatchObject({ kind: 'silence' });
  expect(pids().filter(lives)).toEqual([]);
});

const childrenOfOurs = (): readonly number[] =>
  spawnSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)])
    .stdout.toString()
    .split('\n')
    .filter((line) => line.includes('child.ts'))
    .map((line) => Number.parseInt(line, 10));

test('a child that is killed while it loads again is started once more, and the row is answered', async () => {
  const { open, pids } = openHouse({ unloadIdleMs: 200 });
  const engine = await open('a');
  await until(() => engine.isUnloaded === true && !lives(pids()[0] ?? 0));
  const asked = send(engine, row(1), COMPLETIONS);
  await expect.poll(() => childrenOfOurs().length, { ...PATIENT, interval: 5 }).toBe(1);
  for (const pid of childrenOfOurs()) process.kill(pid, 'SIGKILL');
  expect(await asked).toMatchObject({ kind: 'answer', status: 200 });
  expect(pids().length).toBe(2);
});

test('two models that memory does not hold both take turns, and the rows of both are answered as alone', async () => {
  const { open, lines, said } = openHouse({ memoryBytes: ONE_FITS });
  const a = await open('a');
  const alone = await write(a, 3);
  const b = await open('b');
  expect(said('model unloaded')).toMatchObject([{ engine: a.name, why: `${b.name} needs the memory` }]);
  const runs = [a, b].map(async (engine) => {
    for (let wave = 0; wave < 2; wave++)
      for (const reply of await Promise.all(sendAll(engine, 2 * SLOTS, 120)))
        expect(reply).toMatchObject({ kind: 'answer', status: 200 });
  });
  await Promise.all(runs);
  expect([await write(a, 3), await write(b, 3)]).toEqual([alone, alone]);
  // Busy as they were they made room for each other, and never were both there.
  expect(said('model is being unloaded').some(({ inFlight }) => inFlight > 0)).toBe(true);
  const moves = lines.filter(({ msg }) => /^(engine started|model unloaded)$/.test(msg)).map(({ msg }) => msg);
  expect(moves).toEqual(moves.map((_, at) => (at % 2 === 0 ? 'engine started' : 'model unloaded')));
});

test('whose turn is over finishes what it has begun, and begins nothing more', async () => {
  const { open, said, pids } = openHouse({ memoryBytes: ONE_FITS });
  const a = await open('a');
  const stream = await openStream(a, 400);
  const goOn = halt(pids()[0]);
  const opening = open('b');
  await expect.poll(() => said('model is being unloaded'), PATIENT).toMatchObject([{ engine: a.name, inFlight: 1 }]);
  const late = ask(a, row(9), COMPLETIONS);
  goOn();
  expect(await countEvents(stream)).toBeGreaterThan(100);
  expect((await stream.ended).silence).toBeUndefined();
  const b = await opening;
  // Whoever came too late was first kept out, and has a model of its own again.
  expect((await late).status).toBe(200);
  expect(said('engine started').map(({ engine }) => engine)).toEqual([a.name, b.name, a.name]);
});

test('a child that is killed on its way out loses no row, and comes back only for those', async () => {
  const { open, said, pids } = openHouse({ memoryBytes: ONE_FITS });
  const a = await open('a');
  const asked = sendAll(a, 2, 400);
  halt(pids()[0]);
  const opening = open('b');
  await expect.poll(() => said('model is being unloaded'), PATIENT).toMatchObject([{ engine: a.name, inFlight: 2 }]);
  const late = send(a, row(9), COMPLETIONS);
  process.kill(pids()[0] ?? 0, 'SIGKILL');
  const b = await opening;
  for (const reply of await Promise.all([...asked, late])) expect(reply).toMatchObject({ kind: 'answer', status: 200 });
  expect(said('engine started').map(({ engine }) => engine)).toEqual([a.name, b.name, a.name]);
  expect(childrenOfOurs()).toEqual(pids().slice(-1));
});

test('the idle one goes first, and at once; the busy one stays', async () => {
  const { open, said, pids } = openHouse({ memoryBytes: TWO_FIT });
  const busy = await open('busy');
  const idle = await open('idle');
  const asked = sendAll(busy, SLOTS);
  const goOn = halt(pids()[0]);
  await open('third');
  goOn();
  expect(said('model unloaded')).toMatchObject([{ engine: idle.name }]);
  for (const reply of await Promise.all(asked)) expect(reply).toMatchObject({ kind: 'answer', status: 200 });
});

test('an idle model makes room for the whole context of the next one, not only for the least that it can do with', async () => {
  const { open, said } = openHouse({ memoryBytes: ONE_AND_LESS });
  await open('a');
  await open('b');
  expect(said('engine started').map(({ contextSize }) => contextSize)).toEqual([2048, 2048]);
  expect(said('model unloaded')).toHaveLength(1);
});

test('a model that no memory holds is refused, whoever makes room', async () => {
  const { open, said } = openHouse({ memoryBytes: ONE_FITS });
  const a = await open('a');
  await expect(open('b', { slots: 64 })).rejects.toMatchObject({ reason: 'MODEL_TOO_LARGE' });
  expect(said('model unloaded')).toHaveLength(1);
  expect(await write(a, 1)).not.toBe('');
});
