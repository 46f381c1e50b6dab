/** Filters, orders and masks of the lists of jobs and datasets. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { failValidation } from '../../src/db/queries/fail-validation.ts';
import { findJob } from '../../src/db/queries/find-job.ts';
import { openDoor } from './door.ts';

const JOBS = '/v1/accounts/acme/batchInferenceJobs';
const DATASETS = '/v1/accounts/acme/datasets';
let door: Awaited<ReturnType<typeof openDoor>>;
beforeAll(async () => {
  door = await openDoor();
  await door.makeDataset('in');
  await door.makeDataset('three', '{}\n{}\n{}\n');
  await door.askJson(DATASETS, { body: { datasetId: 'waiting', dataset: { displayName: '100% "new"', format: 'CHAT' } } });
  for (const [id, displayName] of [
    ['night-1', 'Nightly run'],
    ['night-2', ''],
    ['day-1', 'Daily run'],
  ]) {
    await door.askJson(`${JOBS}?batchInferenceJobId=${id}`, {
      body: { model: 'tickets', inputDatasetId: 'in', outputDatasetId: `${id}-out`, displayName },
    });
    door.clock.time += 3_600_000;
  }
  const job = await findJob(door.context.store.db, 'acme', 'day-1');
  const failure = { statusCode: 'INVALID_ARGUMENT', statusMessage: 'Bad lines.', reportKey: null };
  await failValidation(door.context.store.db, job?.uid ?? '', failure);
});
afterAll(() => door.close());

const ask = (path: string, query: Readonly<Record<string, string>>) =>
  door.askJson(`${path}?${new URLSearchParams({ readMask: 'name', ...query })}`);
const idsOf = async (path: string, filter: string) => {
  const { body } = await ask(path, { filter });
  return (body.batchInferenceJobs ?? body.datasets)?.map(({ name }) => name.split('/').at(-1)) ?? body;
};

test.each([
  ['', ['night-1', 'night-2', 'day-1']],
  ['state = VALIDATING', ['night-1', 'night-2']],
  ['state=JOB_STATE_FAILED', ['day-1']],
  ['state != FAILED', ['night-1', 'night-2']],
  ['state = ROLLING', undefined],
  ['state = ARCHIVED', []],
  ['NOT state = ARCHIVED', ['night-1', 'night-2', 'day-1']],
  ['state = FAILED OR displayName : night', ['night-1', 'day-1']],
  ['displayName : RUN AND NOT state = FAILED', ['night-1']],
  ['displayName:*', ['night-1', 'day-1']],
  ['NOT displayName:*', ['night-2']],
  ['display_name = "Nightly run"', ['night-1']],
  ['displayName = "*run"', ['night-1', 'day-1']],
  ['displayName = "%run"', []],
  ['name = night-1', ['night-1']],
  ['name = "accounts/acme/batchInferenceJobs/night-2"', ['night-2']],
  ['name = "accounts/-/batchInferenceJobs/night*"', ['night-1', 'night-2']],
  ['name = "accounts/bob/batchInferenceJobs/night-2"', []],
  ['name != "accounts/bob/batchInferenceJobs/night-2"', ['night-1', 'night-2', 'day-1']],
  ['createTime > "2026-01-05T02:00:00Z"', ['night-2', 'day-1']],
  ['create_time >= 2026-01-05T04:00:00+01:00 AND createTime < 2026-01-05T04:00:00Z', ['night-2']],
  ['createTime > 2026-01-04', ['night-1', 'night-2', 'day-1']],
  ['lifecycle.endTime:*', ['day-1']],
  ['lifecycle.endTime < 2100-01-01T00:00:00Z', ['day-1']],
  ['NOT lifecycle.endTime < 2100-01-01T00:00:00Z', ['night-1', 'night-2']],
  ['lifecycle.end_time != 2100-01-01T00:00:00Z', ['night-1', 'night-2', 'day-1']],
  ['status.code = INVALID_ARGUMENT', ['day-1']],
  ['model = "accounts/boatload/models/tickets"', ['night-1', 'night-2', 'day-1']],
  ['inputDatasetId = "accounts/acme/datasets/in" outputDatasetId = day-1-out', ['day-1']],
  ['jobProgress.totalInputRequests > 0', []],
  [`displayName = "x' or 1=1 --"`, []],
])('jobs with %s', async (filter, ids) => {
  if (ids === undefined) expect(await idsOf(JOBS, filter)).toMatchObject({ code: 3 });
  else expect(await idsOf(JOBS, filter)).toEqual(ids);
});

test.each([
  ['state = READY', ['in', 'three']],
  ['state = UPLOADING AND format = CHAT', ['waiting']],
  ['exampleCount > 2', ['three']],
  ['exampleCount = 2.5', undefined],
  ['displayName : "100%"', ['waiting']],
  [String.raw`displayName : "\"new\""`, ['waiting']],
  ['sourceJobName:*', []],
])('datasets with %s', async (filter, ids) => {
  if (ids === undefined) expect(await idsOf(DATASETS, filter)).toMatchObject({ code: 3 });
  else expect(await idsOf(DATASETS, filter)).toEqual(ids);
});

test('a refusal says where and what', async () => {
  const refusals: [string, string, string][] = [
    ['state = RUNNING AND colour = red', '21', '"colour" is no field to filter by; there are name, displayName'],
    ['state = REDDISH', '9', '"REDDISH" is none of JOB_STATE_UNSPECIFIED'],
    ['createTime > yesterday', '14', 'expected a time such as "2026-01-05T02:00:00Z", got "yesterday"'],
    ['createTime > 0000-01-01', '14', 'expected a time'],
    ['state > RUNNING', '9', 'such a value has no order'],
    ['state = RUNNING AND', '20', 'expected a field'],
  ];
  for (const [filter, at, words] of refusals) {
    expect(await ask(JOBS, { filter })).toMatchObject({
      status: 400,
      body: {
        code: 3,
        message: expect.stringContaining(words),
        details: [{ reason: 'INVALID_FILTER', metadata: { field: 'filter', at } }],
      },
    });
  }
});

test('pages of a filtered list follow each other, and a token is good for its own filter', async () => {
  const filter = 'displayName:*';
  const first = await ask(JOBS, { filter, pageSize: '1' });
  expect(first.body).toMatchObject({ totalSize: 2, batchInferenceJobs: [{ name: expect.stringContaining('night-1') }] });
  const pageToken = first.body.nextPageToken;
  expect((await ask(JOBS, { filter, pageSize: '1', pageToken })).body).toMatchObject({
    batchInferenceJobs: [{ name: expect.stringContaining('day-1') }],
    nextPageToken: '',
  });
  expect((await ask(JOBS, { filter: 'state = FAILED', pageToken })).body).toMatchObject({
    details: [{ reason: 'INVALID_PAGE_TOKEN' }],
  });
});

test('a list is ordered by fields of fields', async () => {
  const { body } = await ask(JOBS, { orderBy: 'status.code desc, lifecycle.end_time, name' });
  expect(body.batchInferenceJobs.map(({ name }) => name.split('/').at(-1))).toEqual(['night-1', 'night-2', 'day-1']);
});

const FIELDS = [
  'name',
  'state',
  'displayName',
  'createTime',
  'lifecycle.endTime',
  'exampleCount',
  'status.code',
  'model',
  'format',
  'x',
];
const VALUES = [
  '*',
  'RUNNING',
  '"a b"',
  '2026-01-05T02:00:00Z',
  '"0001-01-01T00:00:00+14:00"',
  '9999-12-31T23:59:59-14:00',
  '-1',
  '9'.repeat(15),
  '"%_\\\\*"',
  '"\\0"',
];
const comparison = fc
  .tuple(fc.constantFrom(...FIELDS), fc.constantFrom('=', '!=', '<', '<=', '>', '>=', ':'), fc.constantFrom(...VALUES))
  .map((parts) => parts.join(' '));
const filters = fc.oneof(
  comparison,
  fc.array(fc.tuple(comparison, fc.constantFrom(' AND ', ' OR ', ' NOT ', ' '))).map((parts) => parts.flat().join('')),
  fc.string({ unit: 'binary', maxLength: 40 }),
);
const query = fc.record(
  {
    filter: filters,
    orderBy: fc.oneof(fc.constantFrom(...FIELDS, 'name desc', '__proto__', 'constructor'), fc.string()),
    readMask: fc.oneof(fc.constantFrom('name,*', 'a.b.c', '__proto__.x', '.', ',,'), fc.string()),
    pageToken: fc.oneof(
      fc.string(),
      fc.base64String(),
      fc.integer().map((offset) => btoa(`${offset}.x`)),
    ),
    pageSize: fc.oneof(fc.integer().map(String), fc.string()),
  },
  { requiredKeys: [] },
);

test('a time zone that leads out of the years there are is refused, not a defect', async () => {
  const { status } = await door.askJson(`${JOBS}?${new URLSearchParams({ filter: 'createTime = 9999-12-31T23:59:59-14:00' })}`);
  expect(status).toBe(400);
});

test('whatever a list is asked, the answer is a page or a refusal', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(JOBS, DATASETS), query, async (path, asked) => {
      const { status, body } = await door.askJson(`${path}?${new URLSearchParams(asked)}`);
      if (status !== 200) expect([status, typeof body.message, body.details.length]).toEqual([400, 'string', 1]);
    }),
    { numRuns: 300 },
  );
  expect(door.logged).toEqual([]);
});
