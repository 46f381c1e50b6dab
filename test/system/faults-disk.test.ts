/** Small disks that fill up below a server, and below a worker of a fleet. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { allIds, contentOf } from '../support/rows.ts';
import { openFleet, readOutput, startJob, untilOver } from './fleet-room.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres?.stop());

/** A disk of memory, and how it is given more room. */
async function mountDisk(megabytes: number, at?: string): Promise<{ readonly disk: string; grow(to: number): void }> {
  const disk = at ?? join(await makeFolder(), 'disk');
  mkdirSync(disk, { recursive: true });
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', disk], { encoding: 'utf8' });
  expect(status, `this test mounts a small disk, which takes root: ${stderr}`).toBe(0);
  onTestFinished(() => void execFileSync('umount', ['--lazy', disk]));
  return { disk, grow: (to) => void execFileSync('mount', ['-o', `remount,size=${to}m`, disk]) };
}

const ROWS = 200;
/** In characters: 20 MB of answers. */
const LONG = 100_000;
const makeEngine = (length: number) => ({
  content: ({ marker }: { readonly marker: string }) => `[[${marker}]] ${'x'.repeat(length)}`,
  latency: [5, 20] as const,
});
const engine = makeEngine(LONG);
const wholeContents = (length = LONG): string[] => allIds(ROWS).map((id) => `[[${id}]] ${'x'.repeat(length)}`);

test('the disk of the objects fills up: it says so, no output is there before all of it is, and with room the job ends', async () => {
  const { disk, grow } = await mountDisk(6);
  const fleet = await openFleet({ database: await postgres.makeDatabase(), objects: `file:${disk}`, engine });
  const worker = await fleet.start('worker');
  await startJob(fleet, ROWS);
  await worker.says(/full.*Free some space/);
  expect(await (await fleet.ask('GET', 'batchInferenceJobs/job')).json()).not.toMatchObject({ state: 'JOB_STATE_COMPLETED' });
  grow(200);
  expect(await untilOver(fleet)).toMatchObject({ state: 'JOB_STATE_COMPLETED' });
  expect((await readOutput(fleet)).map(contentOf)).toEqual(wholeContents());
});

test("the disk of a worker's journal fills up: it says so, and with room the job ends with every row", async () => {
  const { disk, grow } = await mountDisk(1);
  const fleet = await openFleet({ database: await postgres.makeDatabase(), engine });
  const worker = await fleet.start('worker', { env: { BOATLOAD_DATA_DIR: disk } });
  await startJob(fleet, ROWS);
  await worker.says(/ENOSPC|full/);
  grow(200);
  expect(await untilOver(fleet)).toMatchObject({ state: 'JOB_STATE_COMPLETED' });
  expect((await readOutput(fleet)).map(contentOf)).toEqual(wholeContents());
});

test('the disk below the merge fills up: it says so, and with room the job ends with every row, and none is asked again', async () => {
  // 120 MB of answers wait for the first row's, which is refused once and comes last: more than a merge holds in memory.
  const [first] = allIds(1);
  const script = ({ marker, attempt }: { readonly marker: string; readonly attempt: number }) =>
    marker === first && attempt === 1 ? { status: 503, headers: { 'retry-after': '10' } } : undefined;
  const fleet = await openFleet({ database: await postgres.makeDatabase(), engine: { ...makeEngine(6 * LONG), script } });
  const { grow } = await mountDisk(10, join(fleet.cwd, 'data/worker-1/scratch'));
  const worker = await fleet.start('worker');
  await startJob(fleet, ROWS);
  await worker.says(/scratch.*full.*Free some space/);
  expect(await (await fleet.ask('GET', 'batchInferenceJobs/job')).json()).toMatchObject({ state: 'JOB_STATE_WRITING_RESULTS' });
  grow(200);
  expect(await untilOver(fleet)).toMatchObject({ state: 'JOB_STATE_COMPLETED' });
  expect((await readOutput(fleet)).map(contentOf)).toEqual(wholeContents(6 * LONG));
  expect([...fleet.engine.calls].filter(([, { asked }]) => asked > 1)).toEqual([[first, { asked: 2, answered: 1 }]]);
});
