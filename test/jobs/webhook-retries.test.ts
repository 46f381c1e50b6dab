import { expect, test } from 'vitest';
import { nextDelivery } from '../../src/jobs/webhook-retries.ts';

const START = Date.parse('2026-01-05T02:00:00Z');
const HOUR_MS = 3_600_000;

/** Seconds from the first attempt to every other, when each fails at once. */
const schedule = (random: () => number): readonly number[] => {
  const seconds: number[] = [];
  for (let now = START, attempts = 1; ; attempts++) {
    const next = nextDelivery({ attempts, firstAt: new Date(START), now: new Date(now) }, random);
    if (next === undefined) return seconds;
    seconds.push(Math.round((next.getTime() - START) / 1000));
    now = next.getTime();
  }
};

test('attempts are spread over 24 hours, the last exactly at their end', () => {
  expect(schedule(() => 0)).toEqual([5, 25, 105, 425, 1705, 6825, 21225, 35625, 50025, 64425, 78825, 86400]);
});

test('what failed together does not come back together', () => {
  const waits = [0, 0.25, 0.999].map((value) => schedule(() => value)[0]);
  expect(waits).toEqual([5, 4, 3]);
  expect(schedule(() => 0.999).at(-1)).toBe(86_400);
});

test('a receiver that names a time is left alone until then, but for no longer than 4 hours', () => {
  const after = (retryAfterMs: number) =>
    nextDelivery({ attempts: 1, firstAt: new Date(START), now: new Date(START), retryAfterMs }, () => 0)?.getTime();
  expect(after(60_000)).toBe(START + 60_000);
  expect(after(1)).toBe(START + 5_000);
  expect(after(100 * HOUR_MS)).toBe(START + 4 * HOUR_MS);
});
