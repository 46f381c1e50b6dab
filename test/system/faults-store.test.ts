/** A fleet whose S3 server fails by chance, is away, and refuses for a while. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type HttpLine, openHttpLine } from '../../src/torture/http-line.ts';
import { openStoreLine } from '../../src/torture/store-line.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { allIds, contentOf } from '../support/rows.ts';
import { S3_KEY, startS3, type TestS3 } from '../support/s3-server.ts';
import { type Fleet, openFleet, readOutput, startJob, untilOver } from './fleet-room.ts';

let postgres: TestPostgres;
let s3: TestS3;
beforeAll(async () => {
  [postgres, s3] = await Promise.all([startPostgres(), startS3()]);
}, 180_000);
afterAll(() => Promise.all([postgres?.stop(), s3?.stop()]));

const ROWS = 800;
/** A worker reads so many rows at once: those it has go on without the store, the next ones wait for it. */
const READ_AT_ONCE = 256;

/** A fleet on a new bucket that it reaches at this address. */
const openThrough = async (url: string): Promise<Fleet> => {
  const bucket = await s3.makeBucket();
  return openFleet({
    database: await postgres.makeDatabase(),
    objects: bucket.replace(s3.endpoint, url),
    env: S3_KEY,
  });
};

const openOnLine = async (): Promise<{ readonly fleet: Fleet; readonly line: HttpLine }> => {
  const line = await openHttpLine(s3.endpoint);
  onTestFinished(() => line.close());
  return { fleet: await openThrough(line.url), line };
};

const expectAll = async (fleet: Fleet): Promise<void> => {
  expect(await untilOver(fleet)).toMatchObject({
    state: 'JOB_STATE_COMPLETED',
    jobProgress: { totalInputRequests: ROWS, successfullyProcessedRequests: ROWS, failedRequests: 0 },
  });
  expect((await readOutput(fleet)).map(contentOf)).toEqual(allIds(ROWS));
};

test('every sixth request fails, and others are slow, from the upload to the download: every row is there once', async () => {
  const line = await openStoreLine(s3.endpoint);
  onTestFinished(() => line.close());
  const fleet = await openThrough(line.url);
  const some = { '500': 0.04, '503': 0.04, reset: 0.04, 'lost-reply': 0.04, slow: 0.1 };
  line.plan = {
    seed: 7,
    slowMs: 300,
    faults: { PUT: some, POST: some, DELETE: some, HEAD: some, GET: { ...some, 'cut-reply': 0.05 } },
  };
  await fleet.start('worker');
  await startJob(fleet, ROWS);
  await expectAll(fleet);
  expect(line.met.size).toBeGreaterThan(0);
});

test('it is away while rows are answered: they wait on the disk, readyz says so, and the job ends when it is back', async () => {
  const { fleet, line } = await openOnLine();
  const { engine, api } = fleet;
  const worker = await fleet.start('worker');
  await startJob(fleet, ROWS);
  await engine.until(() => engine.stats.requests >= 300);
  line.script = () => 'before';
  const before = engine.stats.requests;
  await worker.says(/can't be used now/);
  const ready = await fetch(`${api.url}/readyz`);
  expect({ status: ready.status, body: await ready.json() }).toMatchObject({
    status: 503,
    body: { checks: { database: 'ok', storage: 'not answering' } },
  });
  await engine.until(() => engine.stats.requests >= Math.min(ROWS, Math.ceil(before / READ_AT_ONCE) * READ_AT_ONCE));
  line.script = () => undefined;
  await expectAll(fleet);
});

test('it refuses the key for a while: that is said in words, nothing is lost, and the job goes on when it is mended', async () => {
  const { fleet, line } = await openOnLine();
  const { engine } = fleet;
  const worker = await fleet.start('worker');
  await startJob(fleet, ROWS);
  await engine.until(() => engine.stats.requests >= 300);
  const body = '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access denied</Message></Error>';
  line.script = () => ({ status: 403, headers: { 'content-type': 'application/xml' }, body });
  await worker.says(/does not let us use the bucket/);
  await fleet.ask('POST', 'datasets', { datasetId: 'more', dataset: { userUploaded: {} } });
  const form = new FormData();
  form.set('file', new Blob(['{"messages":[]}\n']), 'in.jsonl');
  const refused = await fleet.ask('POST', 'datasets/more:upload', form);
  expect({ ok: refused.ok, body: await refused.json() }).toMatchObject({
    ok: false,
    body: { message: expect.stringContaining('does not let us use the bucket') },
  });
  line.script = () => undefined;
  await expectAll(fleet);
});
