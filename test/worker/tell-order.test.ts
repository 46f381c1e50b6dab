import { afterAll, beforeAll, expect, test } from 'vitest';
import { listEvents } from '../../src/db/queries/list-events.ts';
import type { Job } from '../../src/jobs/job.ts';
import { makeRow, makeRows } from '../support/rows.ts';
import { type House, openHouse, openRoom } from './room.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

const DOCUMENTS = 5;
/** Questions about documents, never two of one document in a row; without them rows begin with their own numbers. */
const toRow = (documents: boolean) => (row: number) => {
  const { messages } = makeRow(row).body;
  const document = documents ? `Document ${row % DOCUMENTS}: `.padEnd(4_000, 'x') : `${row}`;
  return makeRow(row, { messages: [{ role: 'user', content: document }, ...messages] });
};

const timeline = async ({ uid }: Job) =>
  (await listEvents(house.store.db, uid))
    .filter(({ kind }) => kind.startsWith('prefix-'))
    .map(({ kind, message, details }) => ({ kind, message, details }));

test('the timeline says what the order should gain, and at the end what the engines found', async () => {
  const room = await openRoom(house);
  const job = await room.createJob(makeRows(50, toRow(true)));
  await room.startWorker();
  await room.untilEnd(job);
  expect(await timeline(job)).toEqual([
    {
      kind: 'prefix-order',
      message: expect.stringMatching(
        /begin alike run one after the other.* at least 4\d % .* in the order of the input 0\.0 %\.$/,
      ),
      details: { order: 'prefix', expectedShare: expect.closeTo(0.45, 1), inputOrderShare: 0 },
    },
    {
      kind: 'prefix-gain',
      message: expect.stringMatching(/^Engines found 40 % of the prompts' tokens in their prefix caches; at least 4\d % /),
      details: { cachedShare: 0.4, expectedShare: expect.closeTo(0.45, 1) },
    },
  ]);
});

test('an engine that tells of no cached tokens is told about', async () => {
  const body = JSON.stringify({
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'yes' } }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  });
  const room = await openRoom(house, { engine: { script: () => ({ status: 200, body }) } });
  const job = await room.createJob(makeRows(50, toRow(true)));
  await room.startWorker();
  await room.untilEnd(job);
  expect((await timeline(job)).at(-1)).toMatchObject({
    kind: 'prefix-gain',
    message: expect.stringMatching(/^Engines told of no prompt tokens from a prefix cache, where at least 4\d %/),
  });
});

test('where prompts have nothing in common there is nothing to say', async () => {
  const room = await openRoom(house);
  const job = await room.createJob(makeRows(50, toRow(false)));
  await room.startWorker();
  await room.untilEnd(job);
  expect(await timeline(job)).toEqual([]);
});
