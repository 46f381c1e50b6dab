/** Who may write in a fleet, on a real PostgreSQL: not who was asleep, not who is of an older version; and workers that have no database. */
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openLine } from '../../src/torture/line.ts';
import { makeFolder } from '../support/folder.ts';
import type { HttpEngineOptions } from '../support/http-engine.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startBoatload, startNode } from '../support/program.ts';
import { allIds, contentOf } from '../support/rows.ts';
import { type Fleet, openFleet, readOutput, startJob, untilOver } from './fleet-room.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres?.stop());

const open = async (engine: HttpEngineOptions = {}): Promise<Fleet> =>
  openFleet({ database: await postgres.makeDatabase(), engine });

const untilAsked = ({ engine }: Fleet, rows: number): Promise<unknown> => engine.until(() => engine.stats.requests >= rows);

test('a worker that slept past its lease is refused when it wakes up, says so, and every row is there once', async () => {
  const fleet = await open();
  const sleeper = await fleet.start('worker');
  await startJob(fleet, 2_000);
  await untilAsked(fleet, 500);
  sleeper.signal('SIGSTOP');
  await fleet.start('worker');
  // The other one has its shard by now, and asks again what was not committed.
  await fleet.engine.until(() => [...fleet.engine.calls.values()].some(({ asked }) => asked > 1));
  sleeper.signal('SIGCONT');
  await sleeper.says(/commit refused/);
  expect(await untilOver(fleet)).toMatchObject({ state: 'JOB_STATE_COMPLETED' });
  expect((await readOutput(fleet)).map(contentOf)).toEqual(allIds(2_000));
});

interface Way {
  readonly url: string;
  /** Default the fleet's. */
  readonly secret?: string;
}

async function expectNoStart(
  { cwd, env }: Fleet,
  { url, secret }: Way,
  { code, words }: { readonly code: number; readonly words: string },
): Promise<void> {
  const changed = { ...env, ...(secret !== undefined && { BOATLOAD_SECRET: secret }) };
  const { ended } = startBoatload(['worker', '--engine', 'echo', '--through', url], { cwd, env: changed });
  expect(await ended).toMatchObject({ code, stderr: expect.stringContaining(words) });
}

test('workers without a database: one with another secret does not start, nor one without an API; an API process and one of them are killed, and every row is there once', async () => {
  const fleet = await open();
  const other = await fleet.start('serve');
  // Plans and merges are for those with a database; it serves no model, so the rows are for the others.
  startBoatload(['worker', '--json', '--engine', 'echo'], { cwd: fleet.cwd, env: fleet.env });
  const through = { args: ['--through', other.url ?? '', '--through', fleet.api.url], env: { DATABASE_URL: '' } };
  const [workers] = await Promise.all([
    Promise.all([1, 2, 3].map(() => fleet.start('worker', through))),
    expectNoStart(
      fleet,
      { url: fleet.api.url, secret: 'another text than that of all the fleet' },
      { code: 4, words: 'BOATLOAD_SECRET' },
    ),
    expectNoStart(fleet, { url: 'http://127.0.0.1:1' }, { code: 1, words: "can't be reached" }),
  ]);
  await startJob(fleet, 3_000);
  await untilAsked(fleet, 600);
  await other.killAll();
  await untilAsked(fleet, 1_200);
  await workers[0]?.killAll();
  expect(await untilOver(fleet)).toMatchObject({
    state: 'JOB_STATE_COMPLETED',
    jobProgress: { totalInputRequests: 3_000, successfullyProcessedRequests: 3_000, failedRequests: 0 },
  });
  expect((await readOutput(fleet)).map(contentOf)).toEqual(allIds(3_000));
  workers[1]?.signal('SIGTERM');
  expect((await workers[1]?.ended)?.code).toBe(0);
});

/** A copy of the program that has one migration more. */
async function makeNewerProgram(): Promise<string> {
  const dir = await makeFolder();
  const root = fileURLToPath(new URL('../..', import.meta.url));
  for (const name of ['bin', 'src', 'package.json']) await cp(join(root, name), join(dir, name), { recursive: true });
  for (const name of ['node_modules', 'models', 'assets'])
    await symlink(join(root, name), join(dir, name)).catch(() => undefined);
  const list = join(dir, 'src/db/migrations/migrations.ts');
  const text = await readFile(list, 'utf8');
  const more = "  '9999-tomorrow': ['alter table part add column tomorrow int'],\n};";
  await writeFile(list, text.replace(/};\s*$/, more));
  await mkdir(join(dir, 'cwd'));
  return join(dir, 'bin/boatload.js');
}

/** Asks the API again and again; answers all that it said when it is gone. */
async function listenTo({ ask }: Fleet): Promise<readonly string[]> {
  const said: string[] = [];
  for (;;) {
    const reply = await ask('GET', 'batchInferenceJobs/job').catch(() => undefined);
    if (reply === undefined) return said;
    said.push(`${reply.status} ${await reply.text().catch(() => '')}`);
    await delay(20);
  }
}

test('a newer version migrates under a running fleet: the old worker stops, and its finished rows are adopted and never asked again', async () => {
  const [fleet, newer] = [await open({ latency: [100, 100], slots: 20 }), await makeNewerProgram()];
  const { cwd, env, engine } = fleet;
  const old = await fleet.start('worker');
  await startJob(fleet, 3_000);
  await untilAsked(fleet, 600);
  const said = listenTo(fleet);
  expect(await startNode([newer, 'migrate'], { cwd, env }).ended).toMatchObject({ code: 0 });
  const ended = await old.ended;
  expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('newer version') });
  await fleet.api.ended;
  // Whoever asked it until then heard what is the matter, and that once more is worth a try.
  expect((await said).filter((reply) => !/^(200|503 .*DATABASE_TOO_NEW)/.test(reply))).toEqual([]);
  // Whatever was answered in whole by now is somewhere: committed, or in the journal.
  const answered = [...engine.calls].filter(([, call]) => call.answered > 0).map(([marker]) => marker);
  const worker = startNode([newer, 'worker', '--json', '--engine', engine.url], { cwd, env });
  await worker.says(/"rows":[1-9].*journals adopted/);
  await postgres.untilAny(env['DATABASE_URL'] ?? '', `select from boatload_9999.job where state = 'COMPLETED'`);
  expect(answered.filter((marker) => engine.calls.get(marker)?.asked !== 1)).toEqual([]);
  expect(engine.calls.size).toBe(3_000);
});

test('SIGTERM ends a worker in time, even where its engine hangs and its database is behind a line that is cut', async () => {
  const database = new URL(await postgres.makeDatabase());
  const line = await openLine({ to: { port: Number(database.port) } });
  onTestFinished(() => line.close());
  const fleet = await openFleet({ database: database.href, engine: { script: () => 'hang' } });
  database.port = String(line.port);
  // What it has in flight may take so long; what is away may take 15 seconds more.
  const worker = await fleet.start('worker', { env: { DATABASE_URL: database.href, BOATLOAD_DRAIN_SECONDS: '2' } });
  await startJob(fleet, 100);
  await untilAsked(fleet, 1);
  line.stall();
  const began = performance.now();
  worker.signal('SIGTERM');
  await worker.ended;
  expect(performance.now() - began).toBeLessThan(30_000);
});
