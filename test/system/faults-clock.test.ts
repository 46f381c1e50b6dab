/** Machines whose clocks jump while a job runs: Debian's faketime moves the time of day, as people and NTP do, and no monotonic clock. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { startHttpEngine } from '../support/http-engine.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startBoatload } from '../support/program.ts';
import { allIds, contentOf, readLines, writeRows } from '../support/rows.ts';
import { openFleet, readOutput, startJob, untilOver } from './fleet-room.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres?.stop());

const LIBRARY = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/faketime/libfaketimeMT.so.1`;

interface Clock {
  /** For the process that shall go by it. */
  readonly env: Readonly<Record<string, string>>;
  set(offset: string): void;
}

/** A clock that can be set while processes go by it. */
async function makeClock(offset: string): Promise<Clock> {
  expect(existsSync(LIBRARY), "this test moves clocks with Debian's faketime: apt-get install faketime").toBe(true);
  const path = join(await makeFolder(), 'offset');
  const set = (to: string): void => writeFileSync(path, `${to}\n`);
  set(offset);
  return {
    set,
    env: {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: path,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    },
  };
}

const ROWS = 1_500;

test('a fleet goes by the clock of its database: one that jumps by days on a worker or on the API ends no job', async () => {
  const [ofApi, ofFirst, ofSecond] = await Promise.all([makeClock('-48h'), makeClock('+0'), makeClock('+1h')]);
  const fleet = await openFleet({ database: await postgres.makeDatabase(), env: ofApi.env });
  const { engine } = fleet;
  await Promise.all([ofFirst, ofSecond].map(({ env }) => fleet.start('worker', { env })));
  await startJob(fleet, ROWS);
  const job = (await (await fleet.ask('GET', 'batchInferenceJobs/job')).json()) as { readonly createTime: string };
  expect(Math.abs(Date.parse(job.createTime) - Date.now())).toBeLessThan(600_000);
  await engine.until(() => engine.stats.requests >= 400);
  ofFirst.set('+48h');
  await engine.until(() => engine.stats.requests >= 900);
  ofFirst.set('-48h');
  ofSecond.set('-1h');
  await engine.until(() => engine.stats.requests >= 1_200);
  ofApi.set('+48h');
  expect(await untilOver(fleet)).toMatchObject({ state: 'JOB_STATE_COMPLETED' });
  // Its links hold for an hour of the clock that signs them.
  expect((await readOutput(fleet)).map(contentOf)).toEqual(allIds(ROWS));
});

test('the clock of one machine jumps by an hour, forward and back, and costs no row', async () => {
  const clock = await makeClock('+0');
  const cwd = await makeFolder();
  const engine = await startHttpEngine({ latency: [20, 60] });
  writeRows(join(cwd, 'in.jsonl'), ROWS);
  const run = startBoatload(['run', 'in.jsonl', '-o', 'out.jsonl', '--engine', engine.url], { cwd, env: clock.env });
  await engine.until(() => engine.stats.requests >= 400);
  clock.set('+1h');
  await engine.until(() => engine.stats.requests >= 900);
  clock.set('-1h');
  expect(await run.ended).toMatchObject({ code: 0 });
  await engine.close();
  expect(readLines(join(cwd, 'out.jsonl')).map(contentOf)).toEqual(allIds(ROWS));
  expect([...engine.calls].filter(([, { asked }]) => asked > 1)).toEqual([]);
});
