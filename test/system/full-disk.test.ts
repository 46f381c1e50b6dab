import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { startHttpEngine } from '../support/http-engine.ts';
import { boatload } from '../support/program.ts';
import { readLines, writeRows } from '../support/rows.ts';

const BOATLOAD = fileURLToPath(new URL('../../bin/boatload.js', import.meta.url));

let folder = '';
beforeEach(async () => {
  folder = await makeFolder();
});

/** Small disks of memory, so that full ones can be had. */
const mountDisk = (megabytes: number): string => {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', disk], { encoding: 'utf8' });
  expect(status, `this test mounts a small disk, which takes root: ${stderr}`).toBe(0);
  onTestFinished(() => void execFileSync('umount', ['--lazy', disk]));
  return disk;
};

test('a full disk before the run can begin: it says so and takes nothing of it', async () => {
  const disk = mountDisk(4);
  writeRows(join(folder, 'in.jsonl'), 10);
  const { code, stderr } = await boatload(['run', '../in.jsonl', '-o', 'out.jsonl', '--engine', 'echo'], { cwd: disk });
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/full.*\[DISK_FULL\]/) });
  expect(readdirSync(disk)).toEqual([]);
});

test('the doctor sees it, and writes nothing', async () => {
  const disk = mountDisk(4);
  const { code, stdout } = await boatload(['doctor', '--port', '0', '--data-dir', join(disk, 'data')], { cwd: folder });
  expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringMatching(/✗ disk .*full.*\[DISK_FULL\]\n +Free some space/) });
  expect(readdirSync(disk)).toEqual([]);
});

test('a full disk while it runs: what was finished is kept, and with more room it goes on', async () => {
  const disk = mountDisk(80);
  writeRows(join(folder, 'in.jsonl'), 300);
  // Answers of 200 kB each are 60 MB, which don't fit beside the database, let alone twice.
  const engine = await startHttpEngine({ content: ({ marker }) => `${marker} ${'x'.repeat(200_000)}`, latency: [5, 20] });
  onTestFinished(() => engine.close());
  const go = (...flags: string[]) =>
    boatload(['run', '../in.jsonl', '-o', 'out.jsonl', '--engine', engine.url, '--concurrency', '8', ...flags], { cwd: disk });
  const { code, stderr } = await go();
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/full.*Free some space.*\[DISK_FULL\]/) });
  expect(readdirSync(disk)).toEqual(['out.run']);
  execFileSync('mount', ['-o', 'remount,size=400m', disk]);
  expect(await go('--resume')).toMatchObject({ code: 0 });
  expect(readLines(join(disk, 'out.jsonl')).length).toBe(300);
  const askedTwice = [...engine.calls.values()].filter(({ answered }) => answered > 1).length;
  expect(askedTwice).toBeLessThanOrEqual(16);
});

test('too few files that may be open: it says so, and what to do', async () => {
  writeRows(join(folder, 'in.jsonl'), 10);
  const run = `ulimit -n 64; exec "$0" ${BOATLOAD} run in.jsonl -o out.jsonl --engine echo`;
  const { status, stderr } = spawnSync('bash', ['-c', run, process.execPath], { cwd: folder, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/ulimit -n.*\[TOO_MANY_OPEN_FILES\]/) });
  expect(readdirSync(folder)).not.toContain('out.jsonl');
});
