import { expect, test } from 'vitest';
import * as figures from '../../src/cli/figures.ts';

test.each([
  [figures.formatRows(1), '1 row'],
  [figures.formatRows(1_204_113), '1,204,113 rows'],
  [figures.formatEstimate(999), '999'],
  [figures.formatEstimate(999_499), '999 K'],
  [figures.formatEstimate(999_500), '1.0 M'],
  [figures.formatBytes(49_999), '49,999 B'],
  [figures.formatBytes(412_000), '0.4 MB'],
  [figures.formatBytes(9_949_999), '9.9 MB'],
  [figures.formatBytes(604_000_000), '604 MB'],
  [figures.formatBytes(999_600_000), '1.0 GB'],
  [figures.formatMemory(25_283_133_440), '24 GB'],
  [figures.formatRate(0), '0.0'],
  [figures.formatRate(99.94), '99.9'],
  [figures.formatRate(99.96), '100'],
  [figures.formatRate(21_400.4), '21,400'],
  [figures.formatSeconds(3), '3 ms'],
  [figures.formatSeconds(1_400), '1.4 s'],
  [figures.formatDuration(59_499), '59s'],
  [figures.formatDuration(59_500), '1m 0s'],
  [figures.formatDuration(3_599_600), '1h 0m'],
  [figures.formatDuration(90_000_000), '1d 1h'],
  [figures.formatShare(999, 1_000), '99 %'],
  [figures.formatShare(0, 0), '0 %'],
])('%s', (formatted, expected) => {
  expect(formatted).toBe(expected);
});
