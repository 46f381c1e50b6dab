/** `boatload results` of a job that still runs. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeClient } from '../../src/client/client.ts';
import { MODEL, START_MS, startServer, type TestServer } from '../client/server.ts';
import { makeFolder } from '../support/folder.ts';
import { allIds, idOf, makeRows, type OutputLine, parseLines, readLines } from '../support/rows.ts';
import { makeTyping } from './on-server.ts';

let server: TestServer;
/** Rows from this one on get no answer. */
let held = 0;
beforeAll(async () => {
  const script = (marker: string) =>
    marker >= idOf(held) ? 'hang' : marker === idOf(2) ? ({ status: 400 } as const) : undefined;
  server = await startServer({ script: ({ marker }) => script(marker) });
}, START_MS);
afterAll(() => server?.close());

const type = makeTyping(() => server, 'boatload');
const release = () => {
  held = Number.POSITIVE_INFINITY;
  server.engine.cutConnections();
};

/** What is committed comes in the order in which it was answered. */
const sortedIds = (rows: readonly OutputLine[]) => rows.map(({ custom_id }) => custom_id).sort();

/** A job of 20 rows, of which 8 are committed. */
async function begin(name: string): Promise<void> {
  held = 8;
  const input = join(await makeFolder(), 'in.jsonl');
  writeFileSync(input, makeRows(20));
  expect((await type('submit', input, '-m', MODEL, '--name', name)).code).toBe(0);
  const client = makeClient({ baseUrl: server.url, apiKey: server.apiKey });
  await expect.poll(async () => (await client.jobs.get(name)).jobProgress?.outputRows, { timeout: 60_000 }).toBe(8);
}

test('gives what is committed, answers apart from failures, and says that there is more to come', async () => {
  await begin('early');
  const seen = await type('results', 'early');
  expect(seen.code).toBe(0);
  const good = allIds(8).toSpliced(2, 1);
  expect(sortedIds(parseLines(seen.stdout))).toEqual(good);
  expect(seen.stderr).toMatch(/so far 7 rows answered, 1 row failed of 20 rows: job early is RUNNING; --follow goes on/);
  const output = join(await makeFolder(), 'answers.jsonl');
  await type('results', 'early', '-o', output);
  expect(sortedIds(readLines(output))).toEqual(good);
  expect(readLines(output.replace('.jsonl', '.errors.jsonl')).map(({ custom_id }) => custom_id)).toEqual([idOf(2)]);
  release();
});

test('with --follow it goes on until the job has ended, and has every row once', async () => {
  await begin('follow');
  const output = join(await makeFolder(), 'answers.jsonl');
  const following = type('results', 'follow', '--follow', '-o', output);
  await expect.poll(() => existsSync(`${output}.part`), { timeout: 30_000 }).toBe(true);
  release();
  expect(await following).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/19 rows answered, 1 row failed; the job is COMPLETED/),
  });
  const ids = readLines(output).map(({ custom_id }) => custom_id);
  expect(ids.toSorted()).toEqual(allIds(20).toSpliced(2, 1));
});
