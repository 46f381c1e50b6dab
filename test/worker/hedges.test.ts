/** A job's last rows, when one of them takes far longer than the others: asked a second time where that is wished, and answered once. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cancelJob } from '../../src/actions/cancel-job.ts';
import { listEvents } from '../../src/db/queries/list-events.ts';
import { allIds, contentOf, idOf, makeRows } from '../support/rows.ts';
import { type House, openHouse, openRoom } from './room.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

/** So many that each of the eight in flight at the end may be asked twice: on a busy machine others look late, too. */
const ROWS = 200;
const STRAGGLER = idOf(ROWS - 1);
type Asked = { readonly marker: string; readonly attempt: number };

/** An engine that hangs this row as often, and answers all others. */
const hanging = (times: number) => ({
  script: ({ marker, attempt }: Asked) => (marker === STRAGGLER && attempt <= times ? ('hang' as const) : undefined),
});

test('the second request answers a row that hangs; the first is dropped, and the row is there once', async () => {
  const room = await openRoom(house, { engine: hanging(1), limits: { hedgeAfterMs: 200, shardRows: ROWS } });
  const job = await room.createJob(makeRows(ROWS));
  await room.startWorker();
  expect(await room.untilEnd(job)).toMatchObject({ state: 'COMPLETED' });
  const { answers, failures } = await room.output(job);
  expect(failures).toEqual([]);
  expect(answers.map((line) => line.custom_id).toSorted()).toEqual(allIds(ROWS));
  expect(contentOf(answers.find((line) => line.custom_id === STRAGGLER))).toBe(STRAGGLER);
  expect(room.engine.calls.get(STRAGGLER)).toMatchObject({ asked: 2, answered: 1 });
  expect(await room.progress(job)).toMatchObject({ ok: ROWS, inputTokens: 10 * ROWS });
  await room.engine.until(() => room.engine.stats.hungUp >= 1);
  const told = (await listEvents(house.store.db, job.uid)).filter(({ kind }) => kind === 'rows-hedged');
  expect(told.reduce((sum, { details }) => sum + Number(details['wins']), 0)).toBeGreaterThanOrEqual(1);
});

test('a row that hangs twice goes with its job: both requests are dropped', async () => {
  const room = await openRoom(house, { engine: hanging(9), limits: { hedgeAfterMs: 200, shardRows: ROWS } });
  const job = await room.createJob(makeRows(ROWS));
  await room.startWorker();
  await room.engine.until(() => room.engine.calls.get(STRAGGLER)?.asked === 2);
  await cancelJob(room.context, room.caller, job.id);
  expect(await room.untilEnd(job)).toMatchObject({ state: 'CANCELLED' });
  await room.engine.until(() => room.engine.stats.hungUp >= 2);
  expect(room.engine.calls.get(STRAGGLER)).toMatchObject({ asked: 2, answered: 0 });
});

test('where nobody wishes it, a row is asked once', async () => {
  const room = await openRoom(house, { engine: hanging(1), clocks: { firstByteMs: 1_000 }, limits: { attempts: 1 } });
  const job = await room.createJob(makeRows(ROWS));
  await room.startWorker();
  await room.untilEnd(job);
  expect(room.engine.calls.get(STRAGGLER)?.asked).toBe(1);
});
