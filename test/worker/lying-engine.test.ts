/** A worker and an engine that fails and lies in every way: what each row ends as, and that nothing else is harmed. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Job } from '../../src/jobs/job.ts';
import { checkJob } from '../../src/torture/checker.ts';
import { type EnginePlan, startEngine, type TortureEngine } from '../../src/torture/engine.ts';
import { ENGINE_FAULTS, type EngineFault } from '../../src/torture/lies.ts';
import { parseLines } from '../support/rows.ts';
import { type House, openHouse, openRoom, type Room, type RoomOptions } from './room.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.close());

const FAULTS = Object.keys(ENGINE_FAULTS) as EngineFault[];
/** Silence takes as long as the engine's clocks let it. */
const CLOCKS = { firstByteMs: 5_000, idleMs: 5_000 };

/** For each fault a row that meets it, between two that don't. */
const INPUT = FAULTS.flatMap((fault) => [`honest-${fault}-1`, fault, `honest-${fault}-2`]).map((key) =>
  JSON.stringify({ custom_id: key, body: { messages: [{ role: 'user', content: `[[${key}]] What is it?` }] } }),
);

async function openLyingRoom(script: EnginePlan['script'], options: RoomOptions = {}) {
  const engine = await startEngine({ plan: { seed: 1, ...(script && { script }) } });
  onTestFinished(() => engine.close());
  const room = await openRoom(house, { engineUrl: engine.url, clocks: CLOCKS, limit: 32, ...options });
  await room.startWorker();
  return { engine, room };
}

const isFault = (key: string): key is EngineFault => key in ENGINE_FAULTS;

async function judge({ engine, room }: { readonly engine: TortureEngine; readonly room: Room }, job: Job) {
  const { answers, failures } = await room.outputText(job);
  const { ok, failed, inputTokens, outputTokens } = await room.progress(job);
  const { violations } = await checkJob({
    dialect: 'fireworks',
    input: INPUT,
    answers: answers.split('\n').filter((line) => line !== ''),
    errors: failures.split('\n').filter((line) => line !== ''),
    calls: engine.calls,
    numbers: { outcome: 'COMPLETED', rows: job.totalRows ?? 0, succeeded: ok, failed, inputTokens, outputTokens },
  });
  return { violations, answers: parseLines(answers), failures: parseLines(failures) };
}

/** What a row ends as whose engine never does better; all others are answered. */
const ENDS: Readonly<Partial<Record<EngineFault, readonly [code: number, type: string]>>> = {
  '500': [500, 'http-500'],
  hang: [503, 'first-byte-timeout'],
  'reset-before': [503, 'cut-off'],
  'reset-after': [503, 'cut-off'],
  'cut-body': [503, 'cut-off'],
  'stall-body': [503, 'idle-timeout'],
  'long-length': [503, 'cut-off'],
  'short-length': [502, 'broken-answer'],
  redirect: [307, 'redirected'],
  gzip: [502, 'broken-answer'],
  empty: [502, 'broken-answer'],
  page: [502, 'broken-answer'],
  'broken-json': [502, 'broken-answer'],
  'two-objects': [502, 'broken-answer'],
  array: [502, 'broken-answer'],
  'not-utf8': [502, 'broken-answer'],
  'hidden-error': [500, 'http-500'],
  'wrong-shape': [502, 'broken-answer'],
  'wrong-choices': [502, 'broken-answer'],
  'deep-json': [502, 'broken-answer'],
  'long-body': [503, 'too-large'],
};
/** They are no attempts: an engine that never stops refusing is waited for as long as the job has time. */
const REFUSALS: ReadonlySet<string> = new Set<EngineFault>(['429', '503']);

test('a row ends as what its engine insists on, never as something broken, and its neighbours are answered', async () => {
  const script = (key: string, attempt: number) => (isFault(key) && (attempt === 1 || !REFUSALS.has(key)) ? key : undefined);
  const { engine, room } = await openLyingRoom(script, { limits: { attempts: 2, hopelessMs: 600_000 } });
  const job = await room.untilEnd(await room.createJob(INPUT.join('\n')));
  expect(job.state).toBe('COMPLETED');
  const { violations, answers, failures } = await judge({ engine, room }, job);
  expect(violations).toEqual([]);
  expect(Object.fromEntries(failures.map(({ custom_id, error }) => [custom_id, [error?.code, error?.type]]))).toEqual(ENDS);
  expect(answers).toHaveLength(INPUT.length - failures.length);
  const absurd = answers.filter(({ custom_id }) => custom_id.endsWith('-usage') && isFault(custom_id));
  expect(absurd).toHaveLength(4);
});

test('a row is answered when its engine comes to its senses, and what it cost is what was delivered', async () => {
  const { engine, room } = await openLyingRoom((key, attempt) => (isFault(key) && attempt === 1 ? key : undefined));
  const job = await room.untilEnd(await room.createJob(INPUT.join('\n')));
  expect(job.state).toBe('COMPLETED');
  const { violations, failures } = await judge({ engine, room }, job);
  expect(violations).toEqual([]);
  // A second try would bring as much again.
  expect(failures.map(({ custom_id }) => custom_id)).toEqual(['long-body']);
});
