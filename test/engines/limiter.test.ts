import { expect, test } from 'vitest';
import { type Backlog, runBacklog } from '../../bench/simulator/backlog.ts';
import type { Random } from '../../bench/simulator/random.ts';
import { Limiter, type LimiterOptions } from '../../src/engines/limiter.ts';

const SEEDS = [1, 2, 3, 4, 5];
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const worst = (values: readonly number[]) => Math.min(...values);

interface Run extends Partial<Omit<Backlog, 'workers' | 'seed' | 'slots'>> {
  readonly slots: number;
  readonly workerCount?: number;
  readonly limiter?: LimiterOptions;
}

const run = ({ workerCount = 1, limiter, ...backlog }: Run) =>
  SEEDS.map((seed) => {
    const workers = Array.from({ length: workerCount }, () => new Limiter(limiter));
    return runBacklog({ duration: 150, ...backlog, workers, seed });
  });

/** Many short answers and a few long ones. */
const mixed = (random: Random): number => (random() < 0.8 ? 0.3 : 3.8);
const batching = (sequences: number): number => 1 / (1 + sequences / 160);
const GAUGE = { gaugeEveryMs: 2_000 };

test.each([8, 64, 256, 1_024])('uses %i slots that it does not know of', (slots) => {
  const results = run({ slots });
  expect(worst(results.map(({ efficiency }) => efficiency))).toBeGreaterThan(0.9);
  expect(worst(results.map(({ steady }) => steady))).toBeGreaterThan(0.95);
  expect(median(results.map(({ queued }) => queued * slots))).toBeLessThan(Math.max(0.25 * slots, 16));
});

test.each([8, 64, 256, 1_024])('uses %i slots better when the engine shows its gauge', (slots) => {
  const results = run({ slots, ...GAUGE });
  expect(worst(results.map(({ efficiency }) => efficiency))).toBeGreaterThan(0.97);
  for (const { to90 } of results) expect(to90).toBeLessThanOrEqual(5);
});

test.each([
  ['an engine that slows down with every sequence', { slots: 256, speed: batching }],
  ['short and long answers', { slots: 256, work: mixed }],
])('uses %s', (_, options) => {
  expect(worst(run(options).map(({ efficiency }) => efficiency))).toBeGreaterThan(0.9);
  expect(worst(run({ ...options, ...GAUGE }).map(({ efficiency }) => efficiency))).toBeGreaterThan(0.97);
});

test('answers whose length says nothing of their time only make it slower', () => {
  const results = run({ slots: 256, shown: (_, random) => 0.2 + random() });
  expect(worst(results.map(({ efficiency }) => efficiency))).toBeGreaterThan(0.8);
});

test.each([
  ['that queues', { slots: 256 }],
  ['with short and long answers that refuses', { slots: 256, work: mixed, queue: 64 }],
])('three workers share an engine %s, and none is starved', (_, options) => {
  for (const { efficiency, shares } of run({ ...options, workerCount: 3 })) {
    expect(efficiency).toBeGreaterThan(0.9);
    expect(worst(shares)).toBeGreaterThan(0.33 / 3);
  }
  for (const { efficiency, shares } of run({ ...options, workerCount: 3, ...GAUGE })) {
    expect(efficiency).toBeGreaterThan(0.97);
    expect(worst(shares)).toBeGreaterThan(0.66 / 3);
  }
});

test.each([
  [256, 64],
  [256, 0],
  [8, 2],
  [8, 0],
])('keeps to what an engine of %i slots with room for %i more accepts', (slots, queue) => {
  const results = run({ slots, queue });
  expect(worst(results.map(({ efficiency }) => efficiency))).toBeGreaterThan(0.9);
  for (const { refusedShare, lastLimits } of results) {
    expect(refusedShare).toBeLessThan(0.02);
    for (const limit of lastLimits) expect(limit).toBeLessThanOrEqual(1.25 * (slots + queue));
  }
});

test.each([
  ['smaller', 256, 64, undefined, 5],
  ['larger', 64, 256, undefined, 25],
  ['smaller, and refuses', 256, 64, 64, 5],
  ['larger, after it refused', 64, 256, 16, 25],
])('follows an engine that becomes %s', (_, slots, later, queue, within) => {
  const change = { duration: 230, change: { at: 80, slots: later }, ...(queue === undefined ? {} : { queue }) };
  for (const { to90 } of run({ slots, ...change })) expect(to90).toBeLessThanOrEqual(within);
  for (const { to90 } of run({ slots, ...change, ...GAUGE })) expect(to90).toBeLessThanOrEqual(queue === undefined ? 5 : within);
});

test('an engine whose gauge is lost is searched again', () => {
  const limiter = new Limiter();
  limiter.observed({ nowMs: 0, running: 16, waiting: 0, inFlight: 16 });
  expect(limiter.limit).toBe(32);
  expect(limiter.why).toBe('as many as its gauge shows that it can use');
  limiter.completed({ nowMs: 60_000, work: 1, inFlight: 32, latencyMs: 1 });
  expect(limiter.limit).toBe(32);
  expect(limiter.why).toBe('finding out how many it can use');
});

test('a fixed limit does not move', () => {
  for (const { lastLimits, efficiency } of run({ slots: 256, limiter: { known: () => 64 }, ...GAUGE })) {
    expect(lastLimits).toEqual([64]);
    expect(efficiency).toBeCloseTo(0.25, 1);
  }
});

test('a fixed limit still yields to refusals', () => {
  for (const { lastLimits, refusedShare } of run({ slots: 8, queue: 0, limiter: { known: () => 64 } })) {
    expect(worst(lastLimits)).toBeLessThanOrEqual(10);
    expect(refusedShare).toBeLessThan(0.15);
  }
});

test('a search never goes beyond its maximum', () => {
  for (const { lastLimits } of run({ slots: 256, limiter: { max: 40 } })) expect(lastLimits[0]).toBeLessThanOrEqual(40);
});

/** Answers `count` requests at 10 a second, with every place in use unless said. */
function answer(limiter: Limiter, count: number, inFlight = () => limiter.limit): void {
  for (let at = 0; at < count; at += 1) limiter.completed({ nowMs: at * 100, work: 1, inFlight: inFlight(), latencyMs: 10 });
}

const limiterWith = (options: LimiterOptions = {}) => new Limiter(options);

test('answers that come while places are empty do not raise the limit', () => {
  const [idle, busy] = [limiterWith(), limiterWith()];
  answer(idle, 60, () => 3);
  answer(busy, 60);
  expect(idle.limit).toBe(16);
  expect(busy.limit).toBe(32);
});

test('a refusal cuts to what was accepted, and quiet rounds raise it again', () => {
  const limiter = limiterWith();
  limiter.refused(10);
  expect(limiter.limit).toBe(9);
  answer(limiter, 200);
  expect(limiter.limit).toBeGreaterThan(10);
});

test('after an engine has refused everything, it begins near the limit from before', () => {
  const limiter = limiterWith({ start: 100 });
  for (let accepted = 99; accepted >= 0; accepted -= 1) limiter.refused(accepted);
  expect(limiter.limit).toBe(1);
  limiter.recovered();
  expect(limiter.limit).toBe(70);
});

test('says where its limit comes from', () => {
  expect(limiterWith().why).toBe('finding out how many it can use');
  const known = limiterWith({ known: () => 4 });
  expect(known.why).toBe('as many as it is said to take');
  known.refused(2);
  expect(known.why).toBe('as many as it accepted when it last refused');
});
