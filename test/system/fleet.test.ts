/** Processes of a fleet on a real PostgreSQL and a real S3 server. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { boatload, startBoatload } from '../support/program.ts';
import { allIds, contentOf } from '../support/rows.ts';
import { S3_KEY, startS3, type TestS3 } from '../support/s3-server.ts';
import { type Fleet, openFleet, readOutput, startJob, untilOver } from './fleet-room.ts';

let postgres: TestPostgres;
let s3: TestS3;
beforeAll(async () => {
  [postgres, s3] = await Promise.all([startPostgres(), startS3()]);
}, 180_000);
afterAll(() => Promise.all([postgres?.stop(), s3?.stop()]));

/** On a new database and a new bucket. */
const openOwnFleet = async (): Promise<Fleet> =>
  openFleet({ database: await postgres.makeDatabase(), objects: await s3.makeBucket(), env: S3_KEY });

test('one worker of three is killed: its rows run again on the others, and every row is there once, in order', async () => {
  const fleet = await openOwnFleet();
  const [doomed] = await Promise.all([fleet.start('worker'), fleet.start('worker'), fleet.start('worker')]);
  await startJob(fleet, 6_000);
  await fleet.engine.until(() => fleet.engine.stats.requests >= 1_000);
  await doomed?.killAll();
  expect(await untilOver(fleet)).toMatchObject({
    state: 'JOB_STATE_COMPLETED',
    jobProgress: { totalInputRequests: 6_000, successfullyProcessedRequests: 6_000, failedRequests: 0 },
  });
  expect((await readOutput(fleet)).map(contentOf)).toEqual(allIds(6_000));
});

test('SIGTERM of a worker costs no finished row, and the next one goes on', async () => {
  const fleet = await openOwnFleet();
  const first = await fleet.start('worker');
  await startJob(fleet, 2_000);
  await fleet.engine.until(() => fleet.engine.stats.requests >= 500);
  first.signal('SIGTERM');
  expect((await first.ended).code).toBe(0);
  await fleet.start('worker');
  expect(await untilOver(fleet)).toMatchObject({ state: 'JOB_STATE_COMPLETED' });
  expect((await readOutput(fleet)).map(contentOf)).toEqual(allIds(2_000));
  expect([...fleet.engine.calls].filter(([, { asked }]) => asked > 1)).toEqual([]);
});

test('a job that is cancelled keeps every row that any worker has finished', async () => {
  const fleet = await openOwnFleet();
  await Promise.all([fleet.start('worker'), fleet.start('worker'), fleet.start('worker')]);
  await startJob(fleet, 20_000);
  await fleet.engine.until(() => fleet.engine.stats.requests >= 1_000);
  const finished = [...fleet.engine.calls].filter(([, { answered }]) => answered > 0).length;
  expect((await fleet.ask('POST', 'batchInferenceJobs/job:cancel', {})).status).toBe(200);
  expect(await untilOver(fleet)).toMatchObject({ state: 'JOB_STATE_CANCELLED' });
  // What an engine has told in the very last moment may still be on its way to a worker.
  const onTheWay = 50;
  expect((await readOutput(fleet)).length).toBeGreaterThan(finished - onTheWay);
});

test('a process finds no tables, or those of a newer version, and says what to do', async () => {
  const cwd = await makeFolder();
  const env = {
    ...S3_KEY,
    DATABASE_URL: await postgres.makeDatabase(),
    OBJECT_STORE: await s3.makeBucket(),
    BOATLOAD_SECRET: 'the same text for all of the fleet',
    BOATLOAD_DATA_DIR: join(cwd, 'data'),
  };
  const args = ['worker', '--engine', 'echo'];
  expect(await boatload(args, { cwd, env })).toMatchObject({ code: 1, stderr: expect.stringContaining('boatload migrate') });
  expect(await boatload(args, { cwd, env: { ...env, DATABASE_URL: '' } })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('DATABASE_URL is not set'),
  });
  expect(await boatload(['migrate'], { cwd, env })).toMatchObject({ code: 0 });
  const worker = startBoatload([...args, '--json'], { cwd, env });
  await worker.says(/^\{"url"/m);
  await postgres.run(env.DATABASE_URL, `insert into kysely_migration (name, timestamp) values ('9999-tomorrow', '2030')`);
  expect(await worker.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('newer version') });
  expect(await boatload(args, { cwd, env })).toMatchObject({ code: 1, stderr: expect.stringContaining('newer version') });
});
