/** Jobs that really run: several files, bad rows that may pass, pauses, deletes, silent engines. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allIds, contentOf, idOf, makeRow, makeRows } from '../support/rows.ts';
import { openWorkingDoor } from './working-door.ts';

const JOBS = '/v1/accounts/acme/batchInferenceJobs';
let door: Awaited<ReturnType<typeof openWorkingDoor>>;
/** What the engine does to a marker; nothing unless a test says so. */
const engine: { does: (marker: string) => 'hang' | 'reset' | { status: number } | undefined } = { does: () => undefined };
beforeAll(async () => {
  door = await openWorkingDoor({ engine: { script: ({ marker }) => engine.does(marker) } });
});
afterAll(() => door.close());

const line = (id: string) =>
  `${JSON.stringify({ custom_id: id, body: { messages: [{ role: 'user', content: `[[${id}]]` }] } })}\n`;

test('the rows of several files run as one input, and come back in the order of the files’ names', async () => {
  await door.putDataset('files', {
    'b.jsonl': line('b1') + line('b2').trim(),
    'a.jsonl': `\ufeff${line('a1')}\n${line('a2')}`,
    'c.jsonl': line('c1'),
  });
  await door.createJob('files', { model: 'tickets', inputDatasetId: 'files', outputDatasetId: 'files-out' });
  const job = await door.untilState('files', 'COMPLETED');
  expect(job).toMatchObject({
    jobProgress: { percent: 100, totalInputRequests: 5, successfullyProcessedRequests: 5, outputRows: 5 },
    stateReason: 'Every row has its answer.',
    onInvalidRow: 'fail',
    askIdenticalRowsOnce: false,
  });
  const { results, errors } = await door.readOutput('files-out');
  expect(results.map(({ custom_id }) => custom_id)).toEqual(['a1', 'a2', 'b1', 'b2', 'c1']);
  expect([results.map(contentOf), errors]).toEqual([['a1', 'a2', 'b1', 'b2', 'c1'], []]);
});

const BAD = `${line('one')}{"custom_id":"two","body":{"messages":[{"role":"robot","content":"x"}]}}\n\n${line('three')}{"custom_id":\n${line('one')}${line('four')}[]\n{"body":{}}\n`;

test('bad lines fail the job before anything runs, and the report has all of them', async () => {
  await door.uploadDataset('bad', BAD);
  await door.createJob('bad', { model: 'tickets', inputDatasetId: 'bad', outputDatasetId: 'bad-out' });
  const job = await door.untilState('bad', 'FAILED');
  expect(job.status).toEqual({
    code: 'INVALID_ARGUMENT',
    message:
      "Dataset has a syntax error: chat dataset validation failed on in.jsonl:2: invalid role robot in message 1, must be 'system', 'user', 'assistant' or 'tool' (and 4 more bad lines)",
  });
  expect(job.stateReason).toBe(job.status.message);
  const { status, body } = await door.askJson(`${JOBS}/bad:getValidationReport`);
  expect([status, body]).toMatchObject([
    200,
    {
      file: 'in.jsonl',
      count: 5,
      badLines: [
        { line: 2, reason: 'INVALID_ROLE' },
        { line: 5, reason: 'BROKEN_JSON' },
        { line: 6, reason: 'DUPLICATE_CUSTOM_ID', message: 'custom_id "one" is on line 1 and again on line 6' },
        { line: 8, reason: 'NOT_AN_OBJECT' },
        { line: 9, reason: 'MISSING_CUSTOM_ID' },
      ],
    },
  ]);
  expect(door.engine.calls.has('one')).toBe(false);
  expect(await door.askJson(`${JOBS}/files:getValidationReport`)).toMatchObject({
    status: 404,
    body: { code: 5, details: [{ reason: 'NO_VALIDATION_REPORT' }] },
  });
});

test('with onInvalidRow skip they become failed rows, in their places, and the good ones run', async () => {
  await door.createJob('skip', { model: 'tickets', inputDatasetId: 'bad', outputDatasetId: 'skip-out', onInvalidRow: 'skip' });
  const job = await door.untilState('skip', 'COMPLETED');
  expect(job).toMatchObject({
    onInvalidRow: 'skip',
    jobProgress: { totalInputRequests: 8, successfullyProcessedRequests: 3, failedRequests: 5, outputRows: 8 },
    stateReason: 'Every row was tried; 5 rows failed. Continue the job to try just those again.',
  });
  const { results, errors } = await door.readOutput('skip-out');
  expect(results.map(({ custom_id }) => custom_id)).toEqual(['one', 'three', 'four']);
  expect(errors).toEqual([
    {
      custom_id: 'two',
      error: {
        code: 400,
        type: 'invalid_row',
        message: "Invalid row on line 2: invalid role robot in message 1, must be 'system', 'user', 'assistant' or 'tool'.",
      },
    },
    {
      custom_id: null,
      error: { code: 400, type: 'invalid_row', message: expect.stringMatching(/^Invalid row on line 5: broken JSON/) },
    },
    {
      custom_id: null,
      error: { code: 400, type: 'invalid_row', message: 'Invalid row on line 6: its custom_id "one" is on line 1 already.' },
    },
    { custom_id: null, error: { code: 400, type: 'invalid_row', message: expect.stringContaining('line 8') } },
    { custom_id: null, error: { code: 400, type: 'invalid_row', message: expect.stringContaining('line 9') } },
  ]);
  expect((await door.askJson(`${JOBS}/skip:getValidationReport`)).body).toMatchObject({ count: 5 });
  const merged = await door.download('skip-out', '?merge=true');
  expect(
    (merged['dataset/skip-out/merged.jsonl'] ?? '').split('\n').map((row) => (row === '' ? '' : JSON.parse(row).custom_id)),
  ).toEqual(['one', 'two', 'three', 'four', '']);
  await door.createJob('skip-more', { continuedFromJobName: 'skip' });
  const more = await door.untilState('skip-more', 'FAILED');
  expect(more).toMatchObject({
    onInvalidRow: 'skip',
    status: { code: 'FAILED_PRECONDITION', message: expect.stringContaining('nothing left') },
  });
});

test('characters that no database takes do not keep a job from ending', async () => {
  const row = (id: string, role: string) => `{"custom_id":"${id}","body":{"messages":[{"role":"${role}","content":"x"}]}}\n`;
  await door.uploadDataset(
    'odd',
    row(String.raw`a\u0000`, String.raw`us\u0000er\ud800`) + row(String.raw`b\ud800`, 'user') + row('c\0', 'user'),
  );
  await door.createJob('odd', { model: 'tickets', inputDatasetId: 'odd', onInvalidRow: 'skip', outputDatasetId: 'odd-out' });
  expect(await door.untilState('odd', 'COMPLETED')).toMatchObject({
    jobProgress: { successfullyProcessedRequests: 1, failedRequests: 2 },
  });
  expect((await door.readOutput('odd-out')).results).toMatchObject([{ custom_id: 'b\ud800' }]);
  await door.createJob('odd-fail', { model: 'tickets', inputDatasetId: 'odd' });
  expect((await door.untilState('odd-fail', 'FAILED')).status.message).toContain('invalid role us\ufffder\ufffd in message 1');
});

test('a dataset of bad lines only ends without asking the engine', async () => {
  await door.uploadDataset('all-bad', 'x\ny\n');
  await door.createJob('all-bad', {
    model: 'tickets',
    inputDatasetId: 'all-bad',
    outputDatasetId: 'all-bad-out',
    onInvalidRow: 'skip',
  });
  expect(await door.untilState('all-bad', 'COMPLETED')).toMatchObject({
    jobProgress: { failedRequests: 2, totalInputRequests: 2 },
  });
});

test('a paused job asks nothing more, keeps what it has, and goes on when it is resumed', async () => {
  engine.does = (marker) => (Number(marker.slice(-5)) >= 6 ? 'hang' : undefined);
  await door.uploadDataset('pausing', makeRows(20));
  await door.createJob('pausing', { model: 'tickets', inputDatasetId: 'pausing', outputDatasetId: 'pausing-out' });
  await door.engine.until(() => door.engine.stats.working === 4 && door.engine.calls.get(idOf(9))?.asked === 1);
  const paused = await door.tell('pausing', 'pause');
  expect(paused).toMatchObject({ status: 200, body: { state: 'JOB_STATE_PAUSED' } });
  expect((await door.tell('pausing', 'pause')).status).toBe(200);
  expect((await door.readJob('pausing')).stateReason).toMatch(
    /^Paused by acme@example.test, 2026-01-05T.*; it goes on when it is resumed/,
  );
  await door.engine.until(() => door.engine.stats.working === 0);
  const kept = await door.untilJob('pausing', ({ jobProgress }) => jobProgress?.['successfullyProcessedRequests'] === 6);
  expect(kept.state).toBe('JOB_STATE_PAUSED');
  engine.does = () => undefined;
  expect(await door.tell('pausing', 'resume')).toMatchObject({ status: 200, body: { state: 'JOB_STATE_PENDING' } });
  const job = await door.untilState('pausing', 'COMPLETED');
  expect(job).toMatchObject({ jobProgress: { successfullyProcessedRequests: 20, outputRows: 20 } });
  for (const id of allIds(20)) expect(door.engine.calls.get(id)?.answered, id).toBe(1);
  const { results } = await door.readOutput('pausing-out');
  expect(results.map(contentOf)).toEqual(allIds(20));
  const { body } = await door.askJson(`${JOBS}/pausing:events`);
  const { events } = body as unknown as { events: { kind: string; message: string; time: string }[] };
  expect(events.map(({ kind, message }) => `${kind}: ${message}`)).toEqual([
    'state-moved: VALIDATING',
    'state-moved: VALIDATING → PENDING',
    'state-moved: PENDING → RUNNING',
    'state-moved: RUNNING → PAUSED',
    'paused: Paused by acme@example.test',
    'state-moved: PAUSED → PENDING',
    'resumed: Resumed by acme@example.test',
    'state-moved: PENDING → RUNNING',
    'state-moved: RUNNING → WRITING_RESULTS',
    'state-moved: WRITING_RESULTS → COMPLETED',
  ]);
  expect((await door.tell('pausing', 'pause')).body).toMatchObject({ code: 9, details: [{ reason: 'JOB_ENDED' }] });
  expect((await door.tell('pausing', 'resume')).body).toMatchObject({ code: 9, details: [{ reason: 'JOB_ENDED' }] });
});

test('a deleted job is dropped within two seconds, and gone when its workers had time to notice', async () => {
  engine.does = () => 'hang';
  await door.uploadDataset(
    'doomed',
    makeRows(10, (row) => makeRow(row + 100)),
  );
  await door.createJob('doomed', { model: 'tickets', inputDatasetId: 'doomed', outputDatasetId: 'doomed-out' });
  await door.engine.until(() => door.engine.stats.working === 4);
  const began = performance.now();
  expect(await door.askJson(`${JOBS}/doomed`, { method: 'DELETE' })).toEqual({ status: 200, body: {} });
  expect(await door.readJob('doomed')).toMatchObject({ state: 'JOB_STATE_DELETING_CLEANING_UP' });
  await door.engine.until(() => door.engine.stats.working === 0);
  expect(performance.now() - began).toBeLessThan(2_500);
  door.clock.time += 10_000;
  await expect.poll(async () => (await door.ask(`${JOBS}/doomed`)).status, { timeout: 10_000 }).toBe(404);
  expect((await door.ask('/v1/accounts/acme/datasets/doomed', { method: 'DELETE' })).status).toBe(200);
  engine.does = () => undefined;
});

test('a job whose engine falls silent says so and since when, and goes on by itself', async () => {
  engine.does = () => 'reset';
  await door.uploadDataset(
    'silent',
    makeRows(4, (row) => makeRow(row + 200)),
  );
  await door.createJob('silent', { model: 'tickets', inputDatasetId: 'silent', outputDatasetId: 'silent-out' });
  const waiting = await door.untilJob('silent', ({ waitingOnCapacity }) => waitingOnCapacity);
  expect(waiting.stateReason).toMatch(
    /^No engine can answer its rows since 2026-01-05T\S+: http:\S+: .* They wait, and go on by themselves\.$/,
  );
  engine.does = () => undefined;
  await door.untilState('silent', 'COMPLETED');
  const { body } = await door.askJson(`${JOBS}/silent:events`);
  const { events } = body as unknown as { events: { kind: string }[] };
  expect(events.map(({ kind }) => kind).filter((kind) => kind.startsWith('engine'))[0]).toBe('engine-lost');
  expect(await door.readJob('silent')).toMatchObject({
    waitingOnCapacity: false,
    stateReason: expect.stringMatching(/^Every row/),
  });
});

test('a job that waits behind another says how many are ahead of it', async () => {
  engine.does = () => 'hang';
  await door.worker.stop();
  await door.uploadDataset('queue', makeRows(2));
  for (const id of ['first', 'second', 'third']) {
    door.clock.time += 1000;
    await door.createJob(id, { model: 'tickets', inputDatasetId: 'queue' });
  }
  expect((await door.readJob('third')).stateReason).toBe('Its input waits to be checked: 2 jobs of the account are ahead of it.');
  expect((await door.readJob('first')).stateReason).toBe('Its input is being checked.');
  expect((await door.tell('first', 'pause')).body).toMatchObject({ code: 9, details: [{ reason: 'JOB_VALIDATING' }] });
});
