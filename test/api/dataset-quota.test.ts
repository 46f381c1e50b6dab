/** The quota of bytes, while files come in, whatever way they come. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { formOf, openDoor } from './door.ts';

const DATASETS = '/v1/accounts/acme/datasets';
const ROW = '{"custom_id":"a","body":{"messages":[]}}\n';
const QUOTA = 10 * ROW.length;
let door: Awaited<ReturnType<typeof openDoor>>;
let keys: readonly string[];
beforeAll(async () => {
  door = await openDoor({ quotas: { 'batch-jobs-active': 10, 'dataset-bytes': QUOTA, 'model-bytes': 10 } });
});
afterAll(() => door.close());
beforeEach(async () => {
  for (const { name } of (await door.askJson(DATASETS)).body.datasets) await door.ask(`/v1/${name}`, { method: 'DELETE' });
  keys = await door.objectKeys();
});

const make = (datasetId: string) => door.askJson(DATASETS, { body: { datasetId } });
const upload = (id: string, rows: number) => door.askJson(`${DATASETS}/${id}:upload`, { body: formOf(ROW.repeat(rows)) });
const announce = (id: string, rows: number) =>
  door.askJson(`${DATASETS}/${id}:getUploadEndpoint`, { body: { filenameToSize: { 'a.jsonl': String(rows * ROW.length) } } });
const EXCEEDED = { status: 429, body: { code: 8, details: [{ reason: 'QUOTA_EXCEEDED' }] } };
const usage = async () =>
  ((await door.askJson('/v1/accounts/acme/quotas/dataset-bytes')).body as unknown as { usage: number }).usage;

test('an upload ends where the room does, and leaves the dataset waiting and nothing stored', async () => {
  await make('in');
  expect(await upload('in', 11)).toMatchObject(EXCEEDED);
  expect(await door.objectKeys()).toEqual(keys);
  expect((await door.askJson(`${DATASETS}/in`)).body).toMatchObject({ state: 'UPLOADING' });
  expect((await upload('in', 10)).status).toBe(200);
  expect(await make('more')).toMatchObject(EXCEEDED);
});

test('two uploads at once share the room: one of them is refused', async () => {
  await make('one');
  await make('two');
  const replies = await Promise.all([upload('one', 6), upload('two', 6)]);
  expect(replies.map(({ status }) => status).toSorted()).toEqual([200, 429]);
  expect(replies.find(({ status }) => status === 429)).toMatchObject(EXCEEDED);
  expect(await door.objectKeys()).toHaveLength(keys.length + 1);
  expect(await usage()).toBe(6 * ROW.length);
});

test('announced files take their room at once, once, and give it back', async () => {
  await make('one');
  await make('two');
  expect((await announce('one', 6)).status).toBe(200);
  expect((await announce('one', 6)).status).toBe(200);
  expect(await usage()).toBe(6 * ROW.length);
  expect(await announce('two', 5)).toMatchObject(EXCEEDED);
  expect(await upload('two', 5)).toMatchObject(EXCEEDED);
  expect((await announce('one', 4)).status).toBe(200);
  expect((await upload('two', 5)).status).toBe(200);
  expect(await usage()).toBe(9 * ROW.length);
});

test('copies and pieces of a dataset need room too', async () => {
  await make('in');
  await upload('in', 6);
  const before = await door.objectKeys();
  const copy = { datasetId: 'copy', sourceDatasetId: 'in' };
  expect(await door.askJson(DATASETS, { body: copy })).toMatchObject(EXCEEDED);
  expect(await door.askJson(`${DATASETS}/in:splitDataset`, { body: { chunkSize: 200 } })).toMatchObject(EXCEEDED);
  expect(await door.objectKeys()).toEqual(before);
});
