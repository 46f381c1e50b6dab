import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('the measurement of scale runs in its small form, and accounts come off alike in it', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['bench/scale.ts', '--tiny'], {
    timeout: 55_000,
    killSignal: 'SIGKILL',
  });
  expect(stdout.match(/CPU, in cores: PostgreSQL \d/g)).toHaveLength(3);
  expect(stdout).toMatch(/ {2}take +\d+\/s {2}p50 [\d.]+ ms/);
  const [, least, most] = /shards by account: least (\d+), most (\d+)/.exec(stdout) ?? [];
  expect(Number(least)).toBeGreaterThan(0);
  expect(Number(most) - Number(least), 'shards between the account with the most and that with the least').toBeLessThanOrEqual(3);
}, 60_000);
