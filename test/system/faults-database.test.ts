/** A fleet whose PostgreSQL server crashes, cuts connections, is away, and takes no writes. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openLine } from '../../src/torture/line.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { allIds, contentOf } from '../support/rows.ts';
import { type Fleet, openFleet, readOutput, startJob, untilOver } from './fleet-room.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres?.stop());

const ROWS = 1_200;

const expectAll = async (fleet: Fleet): Promise<void> => {
  expect(await untilOver(fleet)).toMatchObject({
    state: 'JOB_STATE_COMPLETED',
    jobProgress: { totalInputRequests: ROWS, successfullyProcessedRequests: ROWS, failedRequests: 0 },
  });
  expect((await readOutput(fleet)).map(contentOf)).toEqual(allIds(ROWS));
};

const cutAll = (url: string): Promise<void> =>
  postgres.run(
    url,
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  );

test('it crashes in the middle of a job and then cuts every connection five times: every row is there once', async () => {
  const database = await postgres.makeDatabase();
  const fleet = await openFleet({ database });
  const { engine } = fleet;
  await Promise.all([fleet.start('worker'), fleet.start('worker')]);
  await startJob(fleet, ROWS);
  await engine.until(() => engine.stats.requests >= 300);
  await postgres.crash();
  for (let cut = 1; cut <= 5; cut++) {
    await engine.until(() => engine.stats.requests >= 400 + 100 * cut);
    await cutAll(database);
  }
  await expectAll(fleet);
});

test('it falls silent for a while, and then is away: rows go on, the API says 503 and why, and when it is back the job ends with all of them', async () => {
  const database = await postgres.makeDatabase();
  const line = await openLine({ to: { port: Number(new URL(database).port) } });
  onTestFinished(() => line.close());
  const reachedAt = new URL(database);
  reachedAt.port = String(line.port);
  const fleet = await openFleet({ database: reachedAt.href });
  const { engine, api } = fleet;
  const worker = await fleet.start('worker');
  await startJob(fleet, ROWS);
  await engine.until(() => engine.stats.requests >= 200);
  line.stall();
  await engine.until(() => engine.stats.requests >= 300);
  line.heal();
  await engine.until(() => engine.stats.requests >= 500);
  line.cut();
  const before = engine.stats.requests;
  const refused = await fleet.ask('GET', 'batchInferenceJobs/job');
  expect({ status: refused.status, body: await refused.json() }).toMatchObject({
    status: 503,
    body: { message: expect.stringContaining('database'), details: [{ reason: 'DATABASE_UNREACHABLE' }] },
  });
  expect((await fetch(`${api.url}/healthz`)).status).toBe(200);
  const ready = await fetch(`${api.url}/readyz`);
  expect({ status: ready.status, body: await ready.json() }).toMatchObject({
    status: 503,
    body: { checks: { database: 'not answering', storage: 'ok' } },
  });
  await worker.says(/database can't be used now/);
  await engine.until(() => engine.stats.requests >= Math.min(ROWS, before + 100));
  line.heal();
  await expectAll(fleet);
});

test('another server answers at its address, which takes no writes, until the failover is complete', async () => {
  const database = await postgres.makeDatabase();
  const name = new URL(database).pathname.slice(1);
  const fleet = await openFleet({ database });
  const { engine } = fleet;
  const worker = await fleet.start('worker');
  await startJob(fleet, ROWS);
  await engine.until(() => engine.stats.requests >= 300);
  await postgres.run(database, `alter database ${name} set default_transaction_read_only to on`);
  await cutAll(database);
  await worker.says(/read-only transaction/);
  for (;;) {
    const refused = await fleet.ask('POST', 'datasets', { datasetId: 'more', dataset: { userUploaded: {} } });
    const body = await refused.json();
    expect({ status: refused.status, body }).toMatchObject({
      status: 503,
      body: { details: [{ reason: 'DATABASE_UNREACHABLE' }] },
    });
    // A connection that was cut may be the first answer.
    if (JSON.stringify(body).includes('read-only')) break;
    await delay(50);
  }
  await postgres.run(await postgres.makeDatabase(), `alter database ${name} reset default_transaction_read_only`);
  await expectAll(fleet);
});
