/** Two accounts on one worker and one engine. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDataset } from '../../src/actions/create-dataset.ts';
import { createJob } from '../../src/actions/create-job.ts';
import { receiveUpload } from '../../src/actions/receive-upload.ts';
import { makeId } from '../../src/base/ids.ts';
import { ensureAccount } from '../../src/db/queries/ensure-account.ts';
import { makeRows } from '../support/rows.ts';
import { type House, MODEL, OTHER_MODEL, openHouse, openRoom, type Room } from './room.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

const PLACES = 2;
const SHARD_ROWS = 10;

/** Rows of the form that `makeRows` gives, each with this word in its question. */
const rowsOf = (word: string, count: number): string =>
  makeRows(count, (row) => ({ custom_id: `${row}`, body: { messages: [{ role: 'user', content: `[[${word}-${row}]]` }] } }));

/** A room whose engine writes down who was asked, by the first word. */
async function openCounted() {
  const asked: string[] = [];
  const room = await openRoom(house, {
    limit: PLACES,
    limits: { shardRows: SHARD_ROWS },
    engine: {
      latency: [3, 6],
      script: ({ marker }) => {
        asked.push(marker.split('-')[0] ?? '');
        return undefined;
      },
    },
  });
  return { room, asked };
}

/** A job of an account of its own. */
async function createForeignJob({ context }: Room, rows: string) {
  const accountId = makeId(10);
  const caller = { accountId, name: accountId };
  await ensureAccount(house.store.db, { id: accountId });
  const { id } = await createDataset(context, caller, { id: makeId(8) });
  await receiveUpload(context, caller, { datasetId: id, filename: 'in.jsonl', body: bytesOf(rows) });
  return createJob(context, caller, { inputDataset: id, settings: {}, model: MODEL });
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

test("an account with a long job does not delay another's first row by more than one shard, and they share the engine from then on", async () => {
  const { room, asked } = await openCounted();
  const long = await room.createJob(rowsOf('a', 600));
  await room.startWorker();
  await room.until(long, (_, { ok }) => ok >= 50);
  const late = await createForeignJob(room, rowsOf('b', 40));
  await room.until(late, ({ state }) => state !== 'VALIDATING');
  const before = asked.length;
  await room.untilEnd(late);
  const first = asked.indexOf('b');
  expect(first - before, 'rows of the long job that were asked meanwhile').toBeLessThanOrEqual(SHARD_ROWS + PLACES);
  const last = asked.lastIndexOf('b');
  const meanwhile = asked.slice(first, last).filter((word) => word === 'a').length;
  expect(meanwhile, 'of 40 rows of the other').toBeLessThanOrEqual(40 + 2 * SHARD_ROWS);
  expect(meanwhile).toBeGreaterThan(20);
});

test('an account with many jobs gets no more places than one with a single job', async () => {
  const { room, asked } = await openCounted();
  const many = [];
  for (let n = 0; n < 30; n++) many.push(await room.createJob(rowsOf('a', 30)));
  await room.startWorker();
  await room.until(many[0] ?? never(), (_, { ok }) => ok >= 10);
  const late = await createForeignJob(room, rowsOf('b', 60));
  await room.untilEnd(late);
  const [first, last] = [asked.indexOf('b'), asked.lastIndexOf('b')];
  const share = 60 / (last - first + 1);
  expect(share, 'of the places while both wait').toBeGreaterThan(0.4);
});

test("a model without an engine keeps no other model's shards out, and lines up no more than a few of its own", async () => {
  const asked: string[] = [];
  const room = await openRoom(house, {
    limits: { shardRows: SHARD_ROWS },
    onServe: (model) => {
      asked.push(model);
      if (model === MODEL) throw new Error('This engine is away.');
    },
  });
  const lost = await room.createJob(rowsOf('a', 400));
  await room.startWorker();
  await room.until(lost, ({ state }) => state !== 'VALIDATING');
  const other = await room.createJob(rowsOf('b', 100), { model: OTHER_MODEL });
  expect(await room.untilEnd(other)).toMatchObject({ state: 'COMPLETED' });
  expect(asked).toContain(MODEL);
  const line = house.store.db.selectFrom('waiting').select('next').where('jobUid', '=', lost.uid);
  expect((await line.executeTakeFirstOrThrow()).next, 'shards of forty that left the line').toBeLessThanOrEqual(6);
  await house.store.db.deleteFrom('job').where('uid', '=', lost.uid).execute();
});

const never = (): never => {
  throw new Error('there are jobs');
};
