import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Problem } from '../../src/base/problem.ts';
import { deleteJob } from '../../src/db/queries/delete-job.ts';
import { listEvents } from '../../src/db/queries/list-events.ts';
import { sumUsage } from '../../src/db/queries/sum-usage.ts';
import type { Job } from '../../src/jobs/job.ts';
import { makeFolder } from '../support/folder.ts';
import { startHttpEngine } from '../support/http-engine.ts';
import { startNode } from '../support/program.ts';
import { allIds, contentOf, idOf, makeRow, makeRows, parseLines, writeRows } from '../support/rows.ts';
import { type House, MODEL, OTHER_MODEL, openHouse, openRoom, type Room } from './room.ts';

const CHAT = '/v1/chat/completions';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

const rowOf = (model: string, url = CHAT) => {
  return (row: number) => ({ ...makeRow(row, { model, input: 'x' }), method: 'POST', url });
};
/** Every third row is the other model's, as its names go: by bare id and in full. */
const mixedRow = (row: number) => rowOf(row % 3 > 0 ? MODEL : row % 2 > 0 ? 'other' : OTHER_MODEL)(row);

const usageOf = async (room: Room) => {
  const borders = [new Date(0), new Date('2100-01-01T00:00:00Z')];
  const sums = await sumUsage(room.context.store.db, { accountId: room.caller.accountId, borders, group: 'model' });
  return Object.fromEntries(sums.map(({ value, ok, inputTokens, outputTokens }) => [value, { ok, inputTokens, outputTokens }]));
};
const billOf = (ok: number) => ({ ok, inputTokens: 10 * ok, outputTokens: 5 * ok });

const modelsAsked = new Map<string, unknown>();
/** Remembers on which model each row was asked. */
const note = ({ marker, body }: { readonly marker: string; readonly body: Record<string, unknown> }) => {
  modelsAsked.set(marker, body['model']);
  return undefined;
};

test('rows run on the models that they name; those whose engine is away wait, and keep no others', async () => {
  let isAway = true;
  const onServe = (model: string): void => {
    if (model === OTHER_MODEL && isAway)
      throw new Problem('UNAVAILABLE', 'The other engine is not there yet.', { reason: 'ENGINE_UNREACHABLE' });
  };
  const room = await openRoom(house, { onServe, engine: { script: note } });
  const job = await room.createJob(makeRows(900, mixedRow), { endpoint: CHAT });
  expect(job.model).toBe('');
  await room.startWorker();

  // Far more shards than the window, of both.
  await room.until(job, (_, { ok }) => ok === 600);
  const during = await room.until(job, () => true);
  expect(during).toMatchObject({ state: 'RUNNING', model: '' });
  expect(await usageOf(room)).toEqual({ [MODEL]: billOf(600) });
  const lost = async () =>
    (await listEvents(house.store.db, job.uid)).filter(({ kind }) => kind.startsWith('engine-')).map((event) => event.details);
  expect(await lost()).toEqual([{ model: OTHER_MODEL }]);

  isAway = false;
  expect(await room.untilEnd(job)).toMatchObject({ state: 'COMPLETED', model: '', totalRows: 900 });
  expect((await room.output(job)).answers.map(contentOf)).toEqual(allIds(900));
  expect(await usageOf(room)).toEqual({ [MODEL]: billOf(600), [OTHER_MODEL]: billOf(300) });
  const own = allIds(900).map((_, row) => (row % 3 > 0 ? 'test-model' : 'other-model'));
  expect(allIds(900).map((id) => modelsAsked.get(id))).toEqual(own);

  // What was used stays with its model when the job goes.
  await deleteJob(house.store.db, job.uid);
  expect(await usageOf(room)).toEqual({ [MODEL]: billOf(600), [OTHER_MODEL]: billOf(300) });
});

test('rows that all name one model make it the job’s', async () => {
  const room = await openRoom(house);
  const job = await room.createJob(
    makeRows(60, (row) => rowOf(row % 2 > 0 ? 'other' : 'accounts/fireworks/models/other')(row)),
    { endpoint: CHAT },
  );
  await room.startWorker();
  expect(await room.untilEnd(job)).toMatchObject({ state: 'COMPLETED', model: OTHER_MODEL });
  expect(await usageOf(room)).toEqual({ [OTHER_MODEL]: billOf(60) });
});

test('a job with a model of its own has its rows run on that, whatever they name', async () => {
  const room = await openRoom(house, { engine: { script: note } });
  const job = await room.createJob(makeRows(10, rowOf('nobody-knows-it')), { model: MODEL });
  await room.startWorker();
  expect(await room.untilEnd(job)).toMatchObject({ state: 'COMPLETED', model: MODEL });
  expect(new Set(allIds(10).map((id) => modelsAsked.get(id)))).toEqual(new Set(['test-model']));
});

const badLinesOf = async (room: Room, { reportKey }: Job) => {
  const report = JSON.parse((await room.context.objects.read(reportKey ?? '')).toString());
  return report.badLines.map(({ line, reason, message }: Record<string, unknown>) => [line, reason, message]);
};

test('names that nobody knows fail the job before anything runs', async () => {
  const room = await openRoom(house);
  const names = ['test', 'unknown', undefined, 5, 'accounts/somebody/models/test', 'unknown'];
  const job = await room.createJob(
    makeRows(6, (row) => rowOf(names[row] as string)(row)),
    { endpoint: CHAT },
  );
  await room.startWorker();
  const end = await room.untilEnd(job);
  expect(end).toMatchObject({ state: 'FAILED', statusCode: 'INVALID_ARGUMENT', model: '' });
  expect(end.statusMessage).toBe(
    'Dataset has a syntax error: chat dataset validation failed on in.jsonl:2: there is no model "unknown" (and 4 more bad lines)',
  );
  expect(await badLinesOf(room, end)).toEqual([
    [2, 'MODEL_NOT_FOUND', 'there is no model "unknown"'],
    [3, 'MISSING_MODEL', 'the body names no model'],
    [4, 'INVALID_MODEL', 'model must be a string'],
    [5, 'MODEL_NOT_FOUND', 'there is no model "accounts/somebody/models/test"'],
    [6, 'MODEL_NOT_FOUND', 'there is no model "unknown"'],
  ]);
  expect(room.engine.stats.requests).toBe(0);
});

test.each(['fail', 'skip'] as const)(
  'rows for an endpoint that their model does not answer are found before they run: %s',
  async (onInvalidRow) => {
    const room = await openRoom(house, { otherPaths: [CHAT, '/v1/completions'] });
    const rows = makeRows(30, (row) => rowOf(row % 10 === 3 ? 'other' : 'test', '/v1/embeddings')(row));
    const job = await room.createJob(rows, { endpoint: '/v1/embeddings', onInvalidRow });
    await room.startWorker();
    const end = await room.untilEnd(job);
    const message = `${OTHER_MODEL} answers /v1/chat/completions, /v1/completions, not /v1/embeddings`;
    expect(await badLinesOf(room, end)).toEqual([4, 14, 24].map((line) => [line, 'ENDPOINT_NOT_SERVED', message]));
    const { answers, failures } = await room.output(job);
    if (onInvalidRow === 'fail') {
      expect([end.state, answers, failures, room.engine.stats.requests]).toEqual(['FAILED', [], [], 0]);
    } else {
      expect([end.state, answers.length, room.engine.stats.requests]).toEqual(['COMPLETED', 27, 27]);
      expect(failures.map(({ custom_id, error }) => [custom_id, error?.message])).toEqual(
        [3, 13, 23].map((row) => [idOf(row), `Invalid row on line ${row + 1}: ${message}.`]),
      );
      expect(end.model).toBe(MODEL);
    }
  },
);

test('a model whose engine refuses our key fails its own rows only, where others have engines that answer', async () => {
  const room = await openRoom(house, {
    limits: { hopelessMs: 200 },
    engine: { script: ({ body }) => (body['model'] === 'other-model' ? { status: 401 } : undefined) },
  });
  const job = await room.createJob(makeRows(300, mixedRow), { endpoint: CHAT });
  await room.startWorker();
  expect(await room.untilEnd(job)).toMatchObject({ state: 'COMPLETED' });
  const { answers, failures } = await room.output(job);
  const ids = allIds(300);
  expect(answers.map(contentOf)).toEqual(ids.filter((_, row) => row % 3 > 0));
  expect(failures.map(({ custom_id }) => custom_id)).toEqual(ids.filter((_, row) => row % 3 === 0));
  expect(new Set(failures.map(({ error }) => error?.code))).toEqual(new Set([401]));
});

test('kill -9 again and again, with one model whose engine comes late: each row once, on its model, billed once', {
  timeout: 600_000,
}, async () => {
  const folder = await makeFolder();
  const engine = await startHttpEngine({ latency: [5, 20], script: note });
  onTestFinished(() => engine.close());
  writeRows(join(folder, 'in.jsonl'), 600, (row) => rowOf(row % 3 > 0 ? 'first' : 'other')(row));
  const start = (...more: readonly string[]) =>
    startNode([join(import.meta.dirname, 'mixed-process.ts'), folder, engine.url, ...more], { cwd: folder }).ended;
  // The first model has 400 rows: until then the other's engine is away.
  for (const rows of [0, 170, 400]) expect(await start(String(rows))).toMatchObject({ signal: 'SIGKILL', stderr: '' });
  await writeFile(join(folder, 'open'), '');
  expect(await start('470')).toMatchObject({ signal: 'SIGKILL', stderr: '' });

  const { stdout, stderr } = await start();
  expect(stderr).toBe('');
  const { state, usage, files } = JSON.parse(stdout);
  expect([state, files['error-data']]).toEqual(['COMPLETED', '']);
  expect(parseLines(files['BIJOutputSet.jsonl']).map(contentOf)).toEqual(allIds(600));
  expect(allIds(600).map((id) => modelsAsked.get(id))).toEqual(allIds(600).map((_, row) => (row % 3 > 0 ? 'first' : 'other')));
  const bill = { stretch: 0, cachedTokens: expect.any(Number) };
  expect(usage).toEqual([
    { ...bill, value: 'accounts/acme/models/first', ...billOf(400) },
    { ...bill, value: 'accounts/acme/models/other', ...billOf(200) },
  ]);
  // Only what was in flight when the process died was asked again.
  expect(engine.stats.requests - 600).toBeLessThanOrEqual(4 * 8);
});
