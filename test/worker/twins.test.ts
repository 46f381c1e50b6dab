/** Rows with the same request in a job that asks them once: who is asked, who takes whose answer, and what it costs. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listEvents } from '../../src/db/queries/list-events.ts';
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
