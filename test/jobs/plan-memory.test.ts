import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** What a plan may keep per row, and what reading takes however long the file is: 16 MiB, and as much again that varies from run to run with the collector. */
const ROW_BYTES = 64;
const FIXED_BYTES = 32 * 1024 * 1024;

const plan = async (rows: number) => {
  const script = join(import.meta.dirname, 'plan-memory.ts');
  // A small young generation, so that garbage of the last moment is not taken for what is kept.
  const { stdout } = await promisify(execFile)(process.execPath, ['--max-semi-space-size=2', script, String(rows)]);
  return JSON.parse(stdout);
};

test.each([200_000, 400_000])('planning %d rows takes at most 64 bytes a row and 32 MiB', async (rows) => {
  const result = await plan(rows);
  expect(result).toMatchObject({ rows, bad: 0, planBytes: rows * 16 });
  expect(result.bytes).toBeGreaterThan(rows * 200);
  expect(result.growth.all).toBeLessThan(rows * ROW_BYTES + FIXED_BYTES);
});
