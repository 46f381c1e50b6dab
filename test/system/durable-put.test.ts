import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const scratch = mkdtempSync(join(tmpdir(), 'boatload-put-'));
afterAll(() => rm(scratch, { recursive: true }));
const writer = fileURLToPath(new URL('../storage/disk-writer.ts', import.meta.url));

test('a put syncs the file before its rename, and the folders after', () => {
  const args = ['-f', '-e', 'trace=fsync,fdatasync,rename', process.execPath, writer, scratch, 'once'];
  const { stderr, error } = spawnSync('strace', args, { encoding: 'utf8' });
  expect(error, 'this test needs strace: apt-get install strace').toBeUndefined();
  const calls = Array.from(stderr.matchAll(/\b(fsync|fdatasync|rename)\(/g), ([, call]) => call);
  // The folder, as it is opened; then the put: its bytes, the entries of two new folders, its name.
  expect(calls).toEqual(['fsync', 'fdatasync', 'fsync', 'fsync', 'rename', 'fsync']);
});
