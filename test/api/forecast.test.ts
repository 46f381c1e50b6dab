import { afterAll, beforeAll, expect, test } from 'vitest';
import { warnOfForecasts } from '../../src/actions/warn-of-forecasts.ts';
import { makeApp } from '../../src/api/app.ts';
import { makeRow, makeRows } from '../support/rows.ts';
import { type JobBody, openWorkingDoor } from './working-door.ts';

const JOBS = '/v1/accounts/acme/batchInferenceJobs';
const MODEL = 'accounts/boatload/models/tickets';
const ROWS = 60;

/** The last rows of the second job are never answered. */
const script = ({ marker, count }: { readonly marker: string; readonly count: number }) =>
  count > 10 && Number(marker.slice(-5)) >= 40 ? ('hang' as const) : undefined;

let door: Awaited<ReturnType<typeof openWorkingDoor>>;
beforeAll(async () => {
  door = await openWorkingDoor({ engine: { script }, concurrency: ROWS });
  // Parts are dated by the database.
  door.clock.now = () => new Date();
  await door.uploadDataset('few', makeRows(10));
  await door.uploadDataset('many', makeRows(ROWS));
});
afterAll(() => door.close());

// biome-ignore lint/suspicious/noExplicitAny: what the tests look at
const forecastOf = (job: JobBody): any => job['forecast'];

/** Asks a server that knows prices. */
async function readPriced(id: string): Promise<JobBody> {
  const prices = { currencyCode: 'EUR', models: { [MODEL]: { inputPerMillion: 2, outputPerMillion: 4 } } };
  const headers = { authorization: `Bearer ${door.keys.acme}` };
  return (await (await makeApp({ ...door.context, prices }).request(`${JOBS}/${id}`, { headers })).json()) as JobBody;
}

const eventsOf = async (id: string): Promise<readonly { readonly kind: string; readonly message: string }[]> => {
  const { body } = await door.askJson(`${JOBS}/${id}:events`);
  return (body as unknown as { readonly events: readonly { readonly kind: string; readonly message: string }[] }).events;
};

test('a forecast goes from the text to an earlier job to the rows, with costs, and says at once when time or room will not do', async () => {
  await door.createJob('first', { model: 'tickets', inputDatasetId: 'few', inferenceParameters: { maxTokens: 8 } });
  expect(forecastOf(await door.untilState('first', 'COMPLETED'))).toBeNull();

  await door.createJob('second', { model: 'tickets', inputDatasetId: 'many', inferenceParameters: { maxTokens: 8 } });
  await door.untilJob('second', ({ jobProgress }) => (jobProgress?.['totalProcessedRequests'] ?? 0) >= 40);
  const job = await readPriced('second');
  const found = forecastOf(job);
  expect(found).toMatchObject({ basis: 'ROWS', maxOutputTokens: ROWS * 8, late: false, endTime: expect.any(String) });
  const { inputTokens = 0, outputTokens = 0 } = job.jobProgress ?? {};
  expect([found.inputTokens, found.outputTokens]).toEqual([inputTokens * 1.5, outputTokens * 1.5].map(Math.round));
  // Half of the price, as it is a batch.
  const nanos = found.inputTokens * 1_000 + found.outputTokens * 2_000;
  expect(found.cost).toEqual({ currencyCode: 'EUR', units: '0', nanos });

  await warnOfForecasts(door.context, { outputBytes: 1e9 });
  expect((await eventsOf('second')).filter(({ kind }) => kind.endsWith('at-risk'))).toEqual([]);
  const began = Date.now();
  // So late that what is left can't be done in time.
  door.clock.now = () => new Date(Date.parse(String(job['expireTime'])) - 100 + (Date.now() - began) / 1e6);
  await setStart('second', new Date(door.clock.now().getTime() - 400_000));
  for (const _ of [1, 2]) await warnOfForecasts(door.context, { outputBytes: 100 });
  const warnings = (await eventsOf('second')).filter(({ kind }) => kind.endsWith('at-risk'));
  expect(warnings.map(({ kind }) => kind)).toEqual(['deadline-at-risk', 'output-limit-at-risk']);
  expect(warnings[0]?.message).toContain(String(job['expireTime']));
  expect(forecastOf(await door.readJob('second'))).toMatchObject({ late: true });
});

test('before the first row is done the latest completed job on the model tells, and a job with rows without a limit says so', async () => {
  door.clock.now = () => new Date();
  await door.uploadDataset(
    'hopeless',
    makeRows(10, (row) => makeRow(row + 40)),
  );
  await door.createJob('third', { model: 'tickets', inputDatasetId: 'hopeless' });
  const found = forecastOf(await door.untilState('third', 'RUNNING'));
  const { outputTokens = 0 } = (await door.readJob('first')).jobProgress ?? {};
  expect(found).toMatchObject({ basis: 'HISTORY', outputTokens, maxOutputTokens: null, cost: null, late: false });
  expect(Date.parse(found.endTime)).toBeGreaterThan(0);
});

test('rows that look too long for their model are told when the input is checked, and run all the same', async () => {
  const { models } = door.context;
  const { resolve } = models;
  models.resolve = (name, accountId) => {
    const model = resolve(name, accountId);
    return model && { ...model, contextLength: 100 };
  };
  const toRow = (row: number) =>
    makeRow(row, { messages: [{ role: 'user', content: `${row === 1 ? 'long '.repeat(90) : ''}[[row-0000${row}]]` }] });
  await door.uploadDataset('long', makeRows(3, toRow));
  await door.createJob('fourth', { model: 'tickets', inputDatasetId: 'long' });
  await door.untilState('fourth', 'COMPLETED');
  models.resolve = resolve;
  const [warning, ...others] = (await eventsOf('fourth')).filter(({ kind }) => kind === 'context-at-risk');
  expect(others).toEqual([]);
  expect(warning?.message).toContain(`1 of ${MODEL}, which takes 100 tokens`);
});

/** As if its rows were committed over the last minutes. */
async function setStart(id: string, at: Date): Promise<void> {
  const { db } = door.context.store;
  const { uid } = await db.selectFrom('job').select('uid').where('id', '=', id).executeTakeFirstOrThrow();
  await db.updateTable('job').set({ startedAt: at }).where('uid', '=', uid).execute();
  await db
    .updateTable('part')
    .set({ createdAt: at as never })
    .where('jobUid', '=', uid)
    .execute();
}
