/** A server of one machine, killed in the middle of its work, moves to PostgreSQL and S3 and goes on there. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Client, makeClient } from '../../src/client/client.ts';
import { makeFolder } from '../support/folder.ts';
import { startHttpEngine } from '../support/http-engine.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { boatload, startBoatload } from '../support/program.ts';
import { contentOf, idOf, makeRow, makeRows, parseLines } from '../support/rows.ts';
import { S3_KEY, startS3, type TestS3 } from '../support/s3-server.ts';

let postgres: TestPostgres;
let s3: TestS3;
beforeAll(async () => {
  [postgres, s3] = await Promise.all([startPostgres(), startS3()]);
}, 180_000);
afterAll(() => Promise.all([postgres?.stop(), s3?.stop()]));

const ROWS = 2_000;
/** Rows without which their jobs can't complete: they are never answered. */
const HUNG: ReadonlySet<string> = new Set([idOf(1_000), idOf(2_000)]);
/** No two jobs ask the same. */
const rowsFrom = (first: number, count: number): string => makeRows(count, (row) => makeRow(first + row));

async function startJob(
  client: Client,
  id: string,
  { rows, ...wish }: { readonly rows: string; readonly maxJobDuration?: string },
) {
  await client.uploadDataset({ datasetId: `${id}-in` }, [{ name: 'in.jsonl', content: new Blob([rows]) }]);
  const names = { model: 'test-model', inputDatasetId: `${id}-in`, outputDatasetId: `${id}-out` };
  await client.jobs.create({ ...names, ...wish }, { id });
}

/** Every file of every dataset, by name: its hash. */
async function hashAll(client: Client): Promise<Readonly<Record<string, string>>> {
  const hashes: Record<string, string> = {};
  for await (const { name } of client.datasets.list())
    for (const file of await client.datasets.files(name))
      hashes[`${name} ${file.key}`] = createHash('sha256')
        .update(await buffer(file.read()))
        .digest('hex');
  return hashes;
}

const statesOf = async (client: Client): Promise<Readonly<Record<string, string>>> => {
  const states: Record<string, string> = {};
  for await (const { name, state } of client.jobs.list()) states[name.split('/').at(-1) ?? ''] = state;
  return states;
};

const READY = /^\{"url".*$/m;

test('jobs of every state move, and what was running when the server was killed goes on: kept rows are not asked again', async () => {
  const cwd = await makeFolder();
  const engine = await startHttpEngine({ latency: [20, 60], script: ({ marker }) => (HUNG.has(marker) ? 'hang' : undefined) });
  onTestFinished(() => engine.close());
  const home = { cwd, env: { BOATLOAD_DATA_DIR: join(cwd, 'data'), BOATLOAD_MIN_JOB_WINDOW_SECONDS: '1' } };
  const connect = async (program: ReturnType<typeof startBoatload>): Promise<Client> => {
    const { url } = JSON.parse((await program.says(READY))[0]);
    return makeClient({ baseUrl: url, apiKey: (await readFile(join(cwd, 'data', 'api-key'), 'utf8')).trim() });
  };

  const server = startBoatload(['up', '--json', '--port', '0', '--engine', engine.url], home);
  const before = await connect(server);
  await startJob(before, 'done', { rows: rowsFrom(0, 200) });
  await startJob(before, 'bad', { rows: '{"custom_id": 1}\n' });
  await Promise.all([before.waitForJob('done'), before.waitForJob('bad')]);
  await startJob(before, 'late', { rows: rowsFrom(1_000, 200), maxJobDuration: '2s' });
  await before.waitForJob('late');
  await startJob(before, 'stopped', { rows: rowsFrom(2_000, 200) });
  await engine.until(() => (engine.calls.get(idOf(2_100))?.answered ?? 0) > 0);
  await before.jobs.cancel('stopped');
  await before.waitForJob('stopped');
  const downloads = await hashAll(before);
  await startJob(before, 'running', { rows: rowsFrom(5_000, ROWS) });
  await engine.until(() => (engine.calls.get(idOf(5_000 + ROWS / 2))?.answered ?? 0) > 0);
  await server.killAll();

  const archive = join(cwd, 'archive');
  const exported = await boatload(['export', archive, '--json'], home);
  expect(exported).toMatchObject({ code: 0, stderr: expect.stringContaining('rows that were finished before are kept') });
  const env = {
    ...S3_KEY,
    DATABASE_URL: await postgres.makeDatabase(),
    OBJECT_STORE: await s3.makeBucket(),
    BOATLOAD_SECRET_FILE: join(archive, 'secret'),
    BOATLOAD_DATA_DIR: join(cwd, 'own'),
  };
  const imported = await boatload(['import', archive, '--json'], { cwd, env });
  expect(imported).toMatchObject({ code: 0, stdout: exported.stdout });
  expect(JSON.parse(imported.stdout)).toMatchObject({ unfinishedJobs: 1 });

  const after = await connect(startBoatload(['serve', '--json', '--engine', engine.url], { cwd, env }));
  expect(await statesOf(after)).toEqual({
    done: 'JOB_STATE_COMPLETED',
    bad: 'JOB_STATE_FAILED',
    late: 'JOB_STATE_EXPIRED',
    stopped: 'JOB_STATE_CANCELLED',
    running: 'JOB_STATE_RUNNING',
  });
  expect(await hashAll(after)).toMatchObject(downloads);
  const kept = (await after.jobs.get('running')).jobProgress?.successfullyProcessedRequests ?? 0;
  expect(kept).toBeGreaterThan(0);
  const ids = Array.from({ length: ROWS }, (_, row) => idOf(5_000 + row));
  const timesAsked = (times: number): number => ids.filter((id) => (engine.calls.get(id)?.asked ?? 0) >= times).length;
  const askedBefore = timesAsked(1);

  await startBoatload(['worker', '--json', '--engine', engine.url], { cwd, env }).says(READY);
  expect(await after.waitForJob('running')).toMatchObject({ state: 'JOB_STATE_COMPLETED' });
  expect(timesAsked(2)).toBe(askedBefore - kept);
  const [output] = await after.datasets.files('running-out');
  if (output === undefined) throw new Error('the job has no output');
  const lines = parseLines(String(await buffer(output.read())));
  expect(lines.map(contentOf)).toEqual(ids);
});
