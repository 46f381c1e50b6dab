/** The fault harness in its short form: some of its seeds, on both sizes; `npm run torture` runs hundreds. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SeedResult } from '../../src/torture/run-seed.ts';
import { toLine, torture, toTable } from '../../src/torture/torture.ts';
import { makeFolder } from '../support/folder.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { boatload } from '../support/program.ts';
import { S3_KEY, startS3, type TestS3 } from '../support/s3-server.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/boatload.js', import.meta.url));

let postgres: TestPostgres;
let s3: TestS3;
beforeAll(async () => {
  [postgres, s3] = await Promise.all([startPostgres(), startS3()]);
  Object.assign(process.env, S3_KEY);
}, 180_000);
afterAll(() => Promise.all([postgres?.stop(), s3?.stop()]));

const expectKept = (results: readonly SeedResult[]): void => {
  expect(results.map((result) => ({ line: toLine(result), violations: result.violations }))).toEqual(
    results.map((result) => ({ line: toLine(result), violations: [] })),
  );
  // A seed whose crash point was not passed has shown less than it says.
  expect(results.filter(({ crashed }) => crashed === false).map(toLine)).toEqual([]);
  expect(toTable(results)).toContain('| both | all |');
};

test('one process: nothing is lost, doubled, wrongly keyed or wrongly billed', async () => {
  const results = await torture({
    seeds: [1, 2, 3],
    sizes: ['embedded'],
    rows: 1_000,
    atOnce: 1,
    dir: await makeFolder(),
    program: PROGRAM,
    onResult: () => undefined,
  });
  expect(results).toHaveLength(3);
  expectKept(results);
});

test('a fleet: nothing is lost, doubled, wrongly keyed or wrongly billed', async () => {
  const results = await torture({
    seeds: [1],
    sizes: ['fleet'],
    rows: 1_000,
    atOnce: 1,
    dir: await makeFolder(),
    program: PROGRAM,
    ground: { database: await postgres.makeDatabase(), objects: await s3.makeBucket() },
    onResult: () => undefined,
  });
  expect(results).toHaveLength(1);
  expectKept(results);
});

test('a crash point that there is not is refused', async () => {
  const cwd = await makeFolder();
  const ended = await boatload(['up', '--json', '--data-dir', cwd], { cwd, env: { BOATLOAD_CRASH_AT: 'lunch.before:1' } });
  expect(ended.code).not.toBe(0);
  expect(ended.stderr).toContain('BOATLOAD_CRASH_AT should be a crash point and a number');
});
