/** Processes of a fleet on a real PostgreSQL and a real S3 server. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { type HttpEngine, startHttpEngine } from '../support/http-engine.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { boatload, type Program, startBoatload } from '../support/program.ts';
import { allIds, contentOf, makeRows, type OutputLine, parseLines } from '../support/rows.ts';
import { S3_KEY, startS3, type TestS3 } from '../support/s3-server.ts';

let postgres: TestPostgres;
let s3: TestS3;
beforeAll(async () => {
  [postgres, s3] = await Promise.all([startPostgres(), startS3()]);
}, 180_000);
afterAll(() => Promise.all([postgres?.stop(), s3?.stop()]));

interface Fleet {
  readonly engine: HttpEngine;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  start(command: 'serve' | 'worker'): Promise<Program>;
  /** Asks the API below the account. */
  ask(method: string, path: string, body?: object): Promise<Response>;
}

/** A new database, a new bucket, an engine and one API process. */
async function openFleet(latency: readonly [number, number]): Promise<Fleet> {
  const cwd = await makeFolder();
  const engine = await startHttpEngine({ latency });
  onTestFinished(() => engine.close());
  const env = {
    ...S3_KEY,
    DATABASE_URL: await postgres.makeDatabase(),
    OBJECT_STORE: await s3.makeBucket(),
    BOATLOAD_SECRET: 'the same text for all of the fleet',
    BOATLOAD_DATA_DIR: join(cwd, 'data'),
  };
  const migrated = await boatload(['migrate', '--account', 'acme', '--json'], { cwd, env });
  const { apiKey } = JSON.parse(migrated.stdout);
  const start = async (command: 'serve' | 'worker'): Promise<Program> => {
    const program = startBoatload([command, '--json', '--engine', engine.url], { cwd, env });
    await program.says(/^\{"url".*$/m);
    return program;
  };
  const api = await start('serve');
  const [line] = await api.says(/^\{"url".*$/m);
  const { url } = JSON.parse(line);
  const ask = (method: string, path: string, body?: object): Promise<Response> =>
    fetch(`${url}/v1/accounts/acme/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body instanceof FormData ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: body instanceof FormData ? body : JSON.stringify(body) }),
    });
  return { engine, cwd, env, start, ask };
}

async function startJob({ ask }: Fleet, rows: number): Promise<void> {
  await ask('POST', 'datasets', { datasetId: 'in', dataset: { userUploaded: {} } });
  const form = new FormData();
  form.set('file', new Blob([makeRows(rows)]), 'in.jsonl');
  expect((await ask('POST', 'datasets/in:upload', form)).status).toBe(200);
  const wish = { model: 'test-model', inputDatasetId: 'in', outputDatasetId: 'out' };
  expect((await ask('POST', 'batchInferenceJobs?batchInferenceJobId=job', wish)).status).toBe(200);
}

async function untilOver({ ask }: Fleet): Promise<{ readonly state: string }> {
  for (;;) {
    const job = (await (await ask('GET', 'batchInferenceJobs/job')).json()) as { readonly state: string };
    if (/COMPLETED|FAILED|EXPIRED|CANCELLED/.test(job.state)) return job;
    await delay(100);
  }
}

async function readOutput({ ask }: Fleet): Promise<readonly OutputLine[]> {
  const reply = await ask('GET', 'datasets/out:getDownloadEndpoint');
  const { filenameToSignedUrls } = (await reply.json()) as { readonly filenameToSignedUrls: Record<string, string> };
  const links = Object.values(filenameToSignedUrls);
  const texts = await Promise.all(links.map(async (link) => (await fetch(link)).text()));
  return texts.flatMap((text) => parseLines<OutputLine>(text));
}

test('one worker of three is killed: its rows run again on the others, and every row is there once, in order', async () => {
  const fleet = await openFleet([20, 60]);
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
  const fleet = await openFleet([20, 60]);
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
