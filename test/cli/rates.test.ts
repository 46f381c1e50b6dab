import { expect, test } from 'vitest';
import { RateWindow } from '../../src/cli/rates.ts';

const START_MS = 5_000;

/** Rows done at a second of the run. */
const progress = (done: number, second: number, total = 1_000) => ({
  total,
  ok: done,
  failed: 0,
  inputTokens: 0,
  outputTokens: done * 10,
  cachedTokens: 0,
  elapsedMs: second * 1_000,
  doneBefore: 0,
});

/** What is known after each of these seconds. */
function measureAll(samples: readonly (readonly [second: number, done: number])[], total?: number) {
  const rates = new RateWindow();
  return samples.map(([second, done]) => rates.measure(progress(done, second, total), START_MS + second * 1_000));
}

test('the first figure counts from the first row that was sent', () => {
  expect(measureAll([[2, 24]])).toEqual([{ rowsPerSecond: 12, tokensPerSecond: 120, etaMs: (976 / 12) * 1_000 }]);
  expect(measureAll([[0, 0]])).toEqual([{ rowsPerSecond: 0, tokensPerSecond: 0 }]);
});

test('the end is foretold after 1 % or after 30 s, and never while nothing moves', () => {
  const [early, share] = measureAll([
    [5, 9],
    [6, 10],
  ]);
  expect(early).not.toHaveProperty('etaMs');
  expect(share).toHaveProperty('etaMs', (990 / (10 / 6)) * 1_000);
  const [before, after] = measureAll([
    [29, 1],
    [30, 1],
  ]);
  expect(before).not.toHaveProperty('etaMs');
  expect(after).toHaveProperty('etaMs');
  expect(measureAll([[40, 0]])[0]).not.toHaveProperty('etaMs');
});

test('what is older than a minute is forgotten', () => {
  const fastThenSlow = Array.from(
    { length: 300 },
    (_, second) => [second, second < 100 ? second * 100 : 10_000 + second - 100] as const,
  );
  const known = measureAll(fastThenSlow, 100_000);
  expect(known[99]?.rowsPerSecond).toBeCloseTo(100, 0);
  expect(known[299]?.rowsPerSecond).toBeCloseTo(1, 1);
  const stuck = Array.from({ length: 300 }, (_, second) => [second, Math.min(second, 100)] as const);
  expect(measureAll(stuck)[299]).toEqual({ rowsPerSecond: 0, tokensPerSecond: 0 });
});

test('it is measured as well when it is asked once in a while', () => {
  const known = measureAll(
    Array.from({ length: 30 }, (_, index) => [index * 10, index * 120] as const),
    10_000,
  );
  expect(known.at(-1)?.rowsPerSecond).toBeCloseTo(12, 5);
});
