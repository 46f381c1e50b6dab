/** Rows with the same request in a job that asks them once: who is asked, who takes whose answer, and what it costs. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listEvents } from '../../src/db/queries/list-events.ts';
import type { ResultRow } from '../../src/jobs/result-row.ts';
import { Twins } from '../../src/worker/twins.ts';
import { allIds, contentOf, idOf, makeRows } from '../support/rows.ts';
import { type House, MODEL, openHouse, openRoom, type Room } from './room.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

const ROWS = 200;
const QUESTIONS = 4;
const ASKED_ONCE = { model: MODEL, settings: { askIdenticalRowsOnce: true } };

/** Row after row another of four questions. */
const questionAt = (row: number): string => `question ${row % QUESTIONS}`;
const twin = (row: number) => ({
  custom_id: idOf(row),
  body: { messages: [{ role: 'user', content: `[[${questionAt(row)}]]` }] },
});
const TWINS = makeRows(ROWS, twin);

const eachOnce = async (room: Room, job: Parameters<Room['output']>[0]) => {
  const { answers, failures } = await room.output(job);
  expect([...answers, ...failures].map((line) => line.custom_id).toSorted()).toEqual(allIds(ROWS));
  return { answers, failures };
};

test('one of them is asked, all have its answer under their own ids, and tokens are counted once', async () => {
  const room = await openRoom(house);
  const job = await room.createJob(TWINS, ASKED_ONCE);
  await room.startWorker();
  expect(await room.untilEnd(job)).toMatchObject({ state: 'COMPLETED' });
  expect(room.engine.stats.requests).toBe(QUESTIONS);
  const { answers } = await eachOnce(room, job);
  for (const answer of answers) expect(contentOf(answer)).toBe(questionAt(Number(answer.custom_id.slice(-5))));
  expect(await room.progress(job)).toMatchObject({
    ok: ROWS,
    failed: 0,
    inputTokens: 10 * QUESTIONS,
    outputTokens: 5 * QUESTIONS,
  });
  // What the file says was used is what is billed.
  expect(answers.reduce((sum, { response }) => sum + (response?.usage.completion_tokens ?? 0), 0)).toBe(5 * QUESTIONS);
  const copied = (await listEvents(house.store.db, job.uid)).filter(({ kind }) => kind === 'rows-copied');
  expect(copied.reduce((sum, { details }) => sum + Number(details['rows']), 0)).toBe(ROWS - QUESTIONS);
});

test('without it every row is asked', async () => {
  const room = await openRoom(house);
  const job = await room.createJob(TWINS);
  await room.startWorker();
  await room.untilEnd(job);
  expect(room.engine.stats.requests).toBe(ROWS);
  expect(await room.progress(job)).toMatchObject({ ok: ROWS, inputTokens: 10 * ROWS });
});

test('a failure is copied to nobody: who waited for it is asked', async () => {
  const isBad = (marker: string): boolean => marker === 'question 1';
  const room = await openRoom(house, { engine: { script: ({ marker }) => (isBad(marker) ? { status: 400 } : undefined) } });
  const job = await room.createJob(TWINS, ASKED_ONCE);
  await room.startWorker();
  await room.untilEnd(job);
  const { failures } = await eachOnce(room, job);
  expect(failures).toHaveLength(ROWS / QUESTIONS);
  expect(room.engine.calls.get('question 1')?.asked).toBe(ROWS / QUESTIONS);
  expect(room.engine.stats.requests).toBe(ROWS / QUESTIONS + QUESTIONS - 1);
});

test('a first that fails for a while is tried again, and its twins wait for it', async () => {
  const script = ({ attempt }: { readonly attempt: number }) => (attempt === 1 ? { status: 500 } : undefined);
  const room = await openRoom(house, { engine: { script } });
  const job = await room.createJob(TWINS, ASKED_ONCE);
  await room.startWorker();
  await room.untilEnd(job);
  await eachOnce(room, job);
  expect(room.engine.stats.requests).toBe(2 * QUESTIONS);
});

test('twins of a row whose engines refuse the key for good are refused with it, where the job has other models', async () => {
  const script = ({ body }: { readonly body: Record<string, unknown> }) =>
    body['model'] === 'other-model' ? { status: 401 } : undefined;
  const room = await openRoom(house, { engine: { script }, limits: { hopelessMs: 300 } });
  const named = (row: number) => {
    const { custom_id, body } = twin(row);
    return { custom_id, method: 'POST', url: '/v1/chat/completions', body: { ...body, model: row % 2 > 0 ? 'other' : MODEL } };
  };
  const job = await room.createJob(makeRows(ROWS, named), { settings: ASKED_ONCE.settings, endpoint: '/v1/chat/completions' });
  await room.startWorker();
  await room.untilEnd(job);
  const { failures } = await eachOnce(room, job);
  expect(failures).toHaveLength(ROWS / 2);
  // Two questions are the other model's: none of their twins has asked for itself.
  expect(room.engine.stats.requests).toBeLessThan(ROWS / 4);
});

test('who waited takes turns: each copy is made when the one before is handed on and there is room', async () => {
  const open: (() => void)[] = [];
  const twins = new Twins(() => new Promise((resolve) => open.push(resolve)));
  const { promise, resolve } = Promise.withResolvers<ResultRow>();
  const asked = { request: 'r', customId: Buffer.from('"first"'), bytes: 10 };
  void twins.ask(asked, promise);
  const copies: string[] = [];
  const signal = new AbortController().signal;
  const waiting = [1, 2, 3].map(async (row) => {
    const copy = await twins.copy({ ...asked, customId: Buffer.from(`"${row}"`) }, signal);
    copies.push(copy?.line.toString() ?? '');
  });
  const usage = { prompt_tokens: 4, prompt_tokens_details: { cached_tokens: 3 }, completion_tokens: 2 };
  const line = Buffer.from(`{"custom_id":"first","response":{"choices":[],"usage":${JSON.stringify(usage)},"id":"x"}}\n`);
  resolve({ kind: 'success', line, inputTokens: 4, outputTokens: 2, cachedTokens: 3 });
  for (const row of [1, 2, 3]) {
    await expect.poll(() => open.length).toBe(row);
    await delay(20);
    expect([open.length, copies.length]).toEqual([row, row - 1]);
    open.at(-1)?.();
  }
  await Promise.all(waiting);
  const zeros = '{"prompt_tokens":0,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens":0}';
  expect(copies).toEqual([1, 2, 3].map((row) => `{"custom_id":"${row}","response":{"choices":[],"usage":${zeros},"id":"x"}}\n`));
});

test('a few large rows that wait are as many as many small ones; who is stopped already does not wait', async () => {
  const twins = new Twins(() => Promise.resolve());
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const large = { request: 'r', customId: Buffer.from('"a"'), bytes: 20 * 1024 * 1024 };
  void twins.ask(large, promise);
  expect(await twins.copy(large, AbortSignal.abort())).toBe(undefined);
  const signal = new AbortController().signal;
  let hasRoom = false;
  const look = () => twins.room().then(() => (hasRoom = true));
  const waiting = [twins.copy(large, signal)];
  await look();
  expect(hasRoom).toBe(true);
  hasRoom = false;
  waiting.push(twins.copy(large, signal));
  const room = look();
  await delay(20);
  expect(hasRoom).toBe(false);
  resolve(undefined);
  await Promise.all([...waiting, room]);
});

test('a worker that stops while twins wait loses none of them: the next one goes on', async () => {
  const script = ({ count }: { readonly count: number }) => (count <= QUESTIONS ? ('hang' as const) : undefined);
  const room = await openRoom(house, { engine: { script }, limits: { drainMs: 50 } });
  const job = await room.createJob(TWINS, ASKED_ONCE);
  const worker = await room.startWorker();
  await room.engine.until(() => room.engine.stats.requests === QUESTIONS);
  await worker.stop();
  await room.startWorker();
  await room.untilEnd(job);
  const { answers } = await eachOnce(room, job);
  expect(answers).toHaveLength(ROWS);
  expect(room.engine.stats.requests).toBe(2 * QUESTIONS);
});
