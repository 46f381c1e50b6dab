import { expect, test } from 'vitest';
import { nextAttempt } from '../../src/jobs/retry.ts';

const least = () => 1;
const most = () => 0;

test.each([
  [1, 500, 1000],
  [2, 1000, 2000],
  [5, 8000, 16_000],
  [7, 30_000, 60_000],
  [1000, 30_000, 60_000],
])('before attempt %d one waits from %d to %d ms', (attempt, from, to) => {
  expect([nextAttempt(attempt, undefined, least), nextAttempt(attempt, undefined, most)]).toEqual([from, to]);
});

test('an engine that names a time is left alone for at least that long', () => {
  expect([nextAttempt(1, 90_000, most), nextAttempt(1, 90_000, least)]).toEqual([90_000, 99_000]);
  expect(nextAttempt(7, 10, least)).toBe(30_000);
});

test('no engine can make a row wait for more than 11 minutes', () => {
  expect(nextAttempt(1, 1e12, least)).toBe(660_000);
});

test('rows that failed together do not come back together', () => {
  expect(new Set(Array.from({ length: 50 }, () => nextAttempt(6))).size).toBeGreaterThan(40);
});
