/** Rows of jobs that still run: every committed row once, however the calls fall. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openCommittedRows } from '../../src/actions/read-committed-rows.ts';
import { RESULTS_START } from '../../src/contract/job-results.ts';
import { findJob } from '../../src/db/queries/find-job.ts';
import { EntryTable } from '../../src/jobs/entry-table.ts';
import type { Job } from '../../src/jobs/job.ts';
import { allIds, idOf, makeRows, parseLines } from '../support/rows.ts';
import { openWorkingDoor } from './working-door.ts';

const JOBS = '/v1/accounts/acme/batchInferenceJobs';
const ROWS = 60;
let door: Awaited<ReturnType<typeof openWorkingDoor>>;
/** Rows from this one on get no answer. */
let held = 0;
const failing = new Set([idOf(3), idOf(57)]);
beforeAll(async () => {
  door = await openWorkingDoor({
    // Enough places that rows which are held keep no others out; a shard that is done is committed at once.
    concurrency: 2 * ROWS,
    workerLimits: { shardRows: 10 },
    engine: {
      script: ({ marker }) => {
        if (marker >= idOf(held)) return 'hang';
        return failing.has(marker) ? { status: 400 } : undefined;
      },
    },
  });
  await door.uploadDataset('in', makeRows(ROWS));
});
afterAll(() => door.close());

/** Starts a job of which only the first rows are answered, and waits until those are committed. */
const begin = async (id: string, rows: number): Promise<void> => {
  held = rows;
  await door.createJob(id, { model: 'tickets', inputDatasetId: 'in', outputDatasetId: `${id}-out` });
  await door.untilJob(id, ({ jobProgress }) => jobProgress?.['outputRows'] === rows);
};
const release = (rows = ROWS): void => {
  held = rows;
  door.engine.cutConnections();
};
const finish = async (id: string): Promise<void> => {
  release();
  await door.untilState(id, 'COMPLETED');
  // The parts go after the job has ended.
  await expect.poll(() => partsOf(id), { timeout: 30_000 }).toEqual([]);
};
const jobOf = async (id: string): Promise<Job> => {
  const job = await findJob(door.context.store.db, 'acme', id);
  if (job === undefined) throw new Error('no job');
  return job;
};
const partsOf = async (id: string): Promise<readonly string[]> => {
  const { uid } = await jobOf(id);
  return (await door.objectKeys()).filter((key) => key.startsWith(`jobs/${uid}/parts/`));
};

interface Results {
  readonly ids: readonly string[];
  readonly complete: string | null;
  readonly token: string | null;
}
const read = async (id: string, query: Readonly<Record<string, string>> = {}): Promise<Results> => {
  const reply = await door.ask(`${JOBS}/${id}:results?${new URLSearchParams(query)}`);
  expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'application/jsonl']);
  const ids = parseLines(await reply.text()).map(({ custom_id }) => custom_id);
  return { ids, complete: reply.headers.get('boatload-complete'), token: reply.headers.get('boatload-next-page-token') };
};
/** All that comes from a place on, in pages. */
const readOn = async (id: string, query: Readonly<Record<string, string>>): Promise<string[]> => {
  const ids: string[] = [];
  for (let token = query['pageToken'] ?? ''; ; ) {
    const page = await read(id, { ...query, pageToken: token });
    ids.push(...page.ids);
    if (page.complete === 'true') return ids;
    expect(page.ids).not.toEqual([]);
    token = page.token ?? '';
  }
};
const sorted = (ids: readonly string[]): string[] => ids.toSorted();

test('a running job gives its committed rows, says that they are not all, and goes on where the call before ended', async () => {
  await begin('run', 30);
  const first = await read('run');
  expect([sorted(first.ids), first.complete]).toEqual([allIds(30), 'false']);
  const nothing = await read('run', { pageToken: first.token ?? '' });
  expect(nothing).toEqual({ ids: [], complete: 'false', token: first.token });
  release(50);
  await door.untilJob('run', ({ jobProgress }) => jobProgress?.['outputRows'] === 50);
  const second = await read('run', { pageToken: first.token ?? '' });
  expect([sorted(second.ids), second.complete]).toEqual([allIds(50).slice(30), 'false']);
  await finish('run');
  const last = await read('run', { pageToken: second.token ?? '' });
  expect(last).toEqual({ ids: [...allIds(57).slice(50), idOf(58), idOf(59), idOf(57)], complete: 'true', token: null });
  // A token of a reader who has had fewer still leads to exactly the rest.
  const other = await read('run', { pageToken: first.token ?? '' });
  expect([sorted(other.ids), other.complete]).toEqual([allIds(ROWS).slice(30), 'true']);
  expect(sorted((await read('run')).ids)).toEqual(allIds(ROWS));
});

test('answers and errors come apart when that is asked for, before and after the end', async () => {
  await begin('kinds', 20);
  const early = { answers: await read('kinds', { kind: 'answers' }), errors: await read('kinds', { kind: 'errors' }) };
  expect([sorted(early.answers.ids), early.errors.ids]).toEqual([allIds(20).toSpliced(3, 1), [idOf(3)]]);
  await finish('kinds');
  const rest = async (kind: 'answers' | 'errors') => read('kinds', { kind, pageToken: early[kind].token ?? '' });
  expect((await rest('answers')).ids).toEqual([...allIds(57).slice(20), idOf(58), idOf(59)]);
  expect(await rest('errors')).toEqual({ ids: [idOf(57)], complete: 'true', token: null });
});

test('pages of bounded size give every row once, whether all are read before the end, across it, or after', async () => {
  await begin('pages', 40);
  const small = { maxBytes: '1' };
  const first = await read('pages', small);
  const second = await read('pages', { ...small, pageToken: first.token ?? '' });
  // A commit is never torn: here one has a whole shard.
  expect([first.ids.length, second.ids.length]).toEqual([10, 10]);
  await finish('pages');
  const rest = await readOn('pages', { ...small, pageToken: second.token ?? '' });
  expect(sorted([...first.ids, ...second.ids, ...rest])).toEqual(allIds(ROWS));
  for (const maxBytes of ['1', '700', '99999999'])
    expect(sorted(await readOn('pages', { maxBytes })), maxBytes).toEqual(allIds(ROWS));
});

test('a reader who is at it while the job ends and its parts go gets every row once', async () => {
  await begin('cut-off', 50);
  const rows = await openCommittedRows(door.context, await jobOf('cut-off'), { kind: 'all', from: RESULTS_START });
  const ids: string[] = [];
  for await (const line of rows.lines) {
    if (ids.length === 0) await finish('cut-off');
    ids.push(JSON.parse(line.toString()).custom_id);
  }
  expect(sorted(ids)).toEqual(allIds(50));
  const job = await jobOf('cut-off');
  const rest = await openCommittedRows(door.context, job, { kind: 'all', from: rows.next ?? RESULTS_START });
  expect(rest.next).toBeUndefined();
  for await (const line of rest.lines) ids.push(JSON.parse(line.toString()).custom_id);
  expect(sorted(ids)).toEqual(allIds(ROWS));
});

test('a part in which one row has taken the place of another breaks the answer off', async () => {
  await begin('swapped', 10);
  const [key = ''] = await partsOf('swapped');
  const { objects } = door.context;
  const whole = await objects.read(key);
  const table = new EntryTable(whole);
  const entries = Array.from({ length: table.count }, (_, place) => whole.subarray(table.start(place), table.end(place)));
  // Still as many as were committed.
  await objects.put(key, Buffer.concat([...entries.slice(1), ...entries.slice(-1)]));
  await expect(read('swapped')).rejects.toThrow();
  await objects.put(key, whole);
  expect(sorted((await read('swapped')).ids)).toEqual(allIds(10));
  await finish('swapped');
});

test('a cancelled job gives what it has, and that is all', async () => {
  await begin('stop', 20);
  const { token } = await read('stop');
  await door.tell('stop', 'cancel');
  await door.untilState('stop', 'CANCELLED');
  expect(await read('stop', { pageToken: token ?? '' })).toEqual({ ids: [], complete: 'true', token: null });
  expect(sorted((await read('stop')).ids)).toEqual(allIds(20));
});

test('rows that can not run and are let pass are there from the start', async () => {
  await door.uploadDataset('bad', `{"custom_id":"bad","body":{}}\n${makeRows(5)}`);
  held = 0;
  await door.createJob('skip', { model: 'tickets', inputDatasetId: 'bad', outputDatasetId: 'skip-out', onInvalidRow: 'skip' });
  await door.untilJob('skip', ({ jobProgress }) => jobProgress?.['outputRows'] === 1);
  const first = await read('skip');
  expect(first.ids).toEqual(['bad']);
  await finish('skip');
  expect((await read('skip', { pageToken: first.token ?? '' })).ids).toEqual([...allIds(3), idOf(4), idOf(3)]);
});

test('a job that never ran is complete and has no rows', async () => {
  await door.uploadDataset('broken', '{"custom_id":1\n');
  await door.createJob('broken', { model: 'tickets', inputDatasetId: 'broken' });
  await door.untilState('broken', 'FAILED');
  expect(await read('broken')).toEqual({ ids: [], complete: 'true', token: null });
});

test('results that were deleted are said to be gone, but not to a reader who has had them', async () => {
  await begin('gone', 20);
  await finish('gone');
  const all = await read('gone', { maxBytes: '99999999' });
  expect(all.complete).toBe('true');
  const { token } = await read('gone', { maxBytes: '1' });
  await door.ask('/v1/accounts/acme/datasets/gone-out', { method: 'DELETE' });
  for (const query of ['?maxBytes=1', `?maxBytes=1&pageToken=${token}`])
    expect(await door.askJson(`${JOBS}/gone:results${query}`)).toMatchObject({
      status: 400,
      body: { code: 9, details: [{ reason: 'RESULTS_DELETED' }] },
    });
});

test('tokens of other jobs or kinds, and whatever else is none, are refused; so are strangers', async () => {
  const { token } = await read('run', { maxBytes: '1' });
  const wrong = [`stop:results?pageToken=${token}`, `run:results?kind=errors&pageToken=${token}`, 'run:results?pageToken=x.y.z'];
  for (const path of [...wrong, `run:results?pageToken=${token}.a`, 'run:results?kind=some', 'run:results?maxBytes=0'])
    expect(await door.askJson(`${JOBS}/${path}`), path).toMatchObject({ status: 400, body: { code: 3 } });
  expect((await door.ask(`${JOBS}/run:results`, { key: door.keys.bob })).status).toBe(403);
  expect((await door.ask('/v1/accounts/bob/batchInferenceJobs/run:results', { key: door.keys.bob })).status).toBe(404);
});
