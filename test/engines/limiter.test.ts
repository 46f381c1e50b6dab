import { expect, test } from 'vitest';
import { Limiter, type LimiterOptions } from '../../src/engines/limiter.ts';
import { type Simulation, simulate } from './simulate.ts';

const SEEDS = [1, 2, 3, 4, 5];
const worst = (values: readonly number[]) => Math.min(...values);
const run = (options: Omit<Simulation, 'seed' | 'duration'>, duration = 150) =>
  SEEDS.map((seed) => simulate({ duration, ...options, seed }));

test.each([4, 8, 64, 256])('uses %i slots that it does not know of', (slots) => {
  const results = run({ slots });
  expect(worst(results.map(({ efficiency }) => efficiency))).toBeGreaterThan(0.9);
  expect(worst(results.map(({ steady }) => steady))).toBeGreaterThan(0.95);
});

test.each([64, 256])('leaves little waiting in an engine of %i slots', (slots) => {
  const queued = run({ slots }).map((result) => result.queued);
  expect(queued.toSorted((a, b) => a - b)[2]).toBeLessThan(0.35);
});

test.each([
  [256, 64],
  [256, 0],
  [8, 2],
  [8, 0],
])('keeps to what an engine of %i slots with room for %i more accepts', (slots, queue) => {
  const results = run({ slots, queue });
  expect(worst(results.map(({ efficiency }) => efficiency))).toBeGreaterThan(0.9);
  for (const { refusedShare, lastLimit } of results) {
    expect(refusedShare).toBeLessThan(0.02);
    expect(lastLimit).toBeLessThanOrEqual(1.25 * (slots + queue));
  }
});

test.each([
  ['smaller', 256, 64, undefined],
  ['larger', 64, 256, undefined],
  ['smaller, and refuses', 256, 64, 64],
  ['larger, after it refused', 64, 256, 16],
])('follows an engine that becomes %s', (_, slots, later, queue) => {
  const results = run({ slots, change: { at: 80, slots: later }, ...(queue === undefined ? {} : { queue }) }, 230);
  expect(worst(results.map(({ steady }) => steady))).toBeGreaterThan(0.8);
});

test('a fixed limit does not move', () => {
  for (const { lastLimit, efficiency } of run({ slots: 256, limiter: { known: () => 64 } })) {
    expect(lastLimit).toBe(64);
    expect(efficiency).toBeCloseTo(0.25, 1);
  }
});

test('a fixed limit still yields to refusals', () => {
  for (const { lastLimit, refusedShare } of run({ slots: 8, queue: 0, limiter: { known: () => 64 } })) {
    expect(lastLimit).toBeLessThanOrEqual(10);
    expect(refusedShare).toBeLessThan(0.05);
  }
});

test('a search never goes beyond its maximum', () => {
  for (const { lastLimit } of run({ slots: 256, limiter: { max: 40 } })) expect(lastLimit).toBeLessThanOrEqual(40);
});

/** Answers `count` requests at 10 a second, with every place in use unless said. */
function answer(limiter: Limiter, count: number, inFlight = () => limiter.limit): void {
  for (let at = 0; at < count; at += 1) limiter.completed({ nowMs: at * 100, work: 1, inFlight: inFlight() });
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
