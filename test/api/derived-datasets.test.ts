/** Copies and pieces of datasets, and looks into them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDoor } from './door.ts';

const DATASETS = '/v1/accounts/acme/datasets';
let door: Awaited<ReturnType<typeof openDoor>>;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

const textsOf = async (id: string) => {
  const { body } = await door.askJson(`${DATASETS}/${id}:getDownloadEndpoint`);
  const texts = Object.entries(body.filenameToSignedUrls).map(async ([key, link]) => {
    const url = new URL(link);
    return [key, await (await door.ask(url.pathname + url.search, { key: null })).text()];
  });
  return Object.fromEntries(await Promise.all(texts));
};
const linesOf = (from: number, to: number) => Array.from({ length: to - from }, (_, row) => `{"row":${from + row}}\n`).join('');

test('a copy is READY at once, says where it comes from, and outlives its source', async () => {
  await door.makeDataset('source', linesOf(0, 3));
  const copied = await door.askJson(DATASETS, {
    body: { datasetId: 'copy', sourceDatasetId: 'accounts/acme/datasets/source', dataset: { displayName: 'Mine' } },
  });
  expect(copied).toMatchObject({
    status: 200,
    body: {
      name: 'accounts/acme/datasets/copy',
      state: 'READY',
      displayName: 'Mine',
      exampleCount: '3',
      transformed: { sourceDatasetId: 'accounts/acme/datasets/source', filter: '', originalFormat: 'FORMAT_UNSPECIFIED' },
    },
  });
  expect(copied.body).not.toHaveProperty('userUploaded');
  await door.ask(`${DATASETS}/source`, { method: 'DELETE' });
  expect(await textsOf('copy')).toEqual({ 'dataset/copy/in.jsonl': linesOf(0, 3) });
  const again = await door.askJson(DATASETS, {
    body: { datasetId: 'again', dataset: { transformed: { source_dataset_id: 'copy' } } },
  });
  expect(again.body).toMatchObject({ state: 'READY', transformed: { sourceDatasetId: 'accounts/acme/datasets/copy' } });
});

test('a copy can be of some rows: those that its filter keeps, byte for byte and in order', async () => {
  await door.makeDataset('many', `${linesOf(0, 20)}\nno JSON\n`);
  const filter = 'row >= 5 AND row < 8 AND NOT row = 6';
  const body = { datasetId: 'some', sourceDatasetId: 'many', filter };
  expect(await door.askJson(DATASETS, { body })).toMatchObject({
    status: 200,
    body: { state: 'READY', exampleCount: '2', transformed: { sourceDatasetId: 'accounts/acme/datasets/many', filter } },
  });
  expect(await textsOf('some')).toEqual({ 'dataset/some/in.jsonl': linesOf(5, 6) + linesOf(7, 8) });
});

test.each([
  ['row >', 'INVALID_FILTER'],
  ['row = 99', 'DATASET_EMPTY'],
])('a copy with the filter %j is refused and leaves nothing', async (filter, reason) => {
  await door.makeDataset(`of-${reason === 'DATASET_EMPTY' ? 'none' : 'bad'}`, linesOf(0, 3));
  const before = await door.objectKeys();
  const body = { datasetId: 'nothing', sourceDatasetId: `of-${reason === 'DATASET_EMPTY' ? 'none' : 'bad'}`, filter };
  expect(await door.askJson(DATASETS, { body })).toMatchObject({ status: 400, body: { details: [{ reason }] } });
  expect(await door.objectKeys()).toEqual(before);
  expect((await door.ask(`${DATASETS}/nothing`)).status).toBe(404);
});

test('a copy that can not be made leaves nothing', async () => {
  await door.makeDataset('taken', linesOf(0, 1));
  await door.askJson(DATASETS, { body: { datasetId: 'waiting' } });
  const before = await door.objectKeys();
  const copy = (sourceDatasetId: string) => door.askJson(DATASETS, { body: { datasetId: 'taken', sourceDatasetId } });
  expect(await copy('taken')).toMatchObject({ status: 409, body: { details: [{ reason: 'DATASET_EXISTS' }] } });
  expect(await copy('waiting')).toMatchObject({ status: 400, body: { details: [{ reason: 'DATASET_NOT_READY' }] } });
  expect(await door.objectKeys()).toEqual(before);
});

test('a dataset is split into pieces of so many rows, in order', async () => {
  await door.makeDataset('whole', `\n${linesOf(0, 450)}\n`);
  const split = await door.askJson(`${DATASETS}/whole:splitDataset`, { body: { chunkSize: 200, parent: 'accounts/acme' } });
  const names = [1, 2, 3].map((number) => `accounts/acme/datasets/whole-chunk-${number}`);
  expect(split).toEqual({ status: 200, body: { chunkDatasetNames: names, chunksCreated: 3, totalExamples: 450 } });
  expect(await textsOf('whole-chunk-2')).toEqual({ 'dataset/whole-chunk-2/whole-chunk-2.jsonl': linesOf(200, 400) });
  expect((await door.askJson(`${DATASETS}/whole-chunk-3`)).body).toMatchObject({
    state: 'READY',
    exampleCount: '50',
    splitted: { sourceDatasetId: 'accounts/acme/datasets/whole' },
  });
  const before = await door.objectKeys();
  expect(await door.askJson(`${DATASETS}/whole:splitDataset`, { body: { chunk_size: '300' } })).toMatchObject({ status: 409 });
  expect(await door.objectKeys()).toEqual(before);
});

test.each([
  ['nothing said', {}, 'INVALID_FIELD'],
  ['too small pieces', { chunkSize: 199 }, 'CHUNK_TOO_SMALL'],
  ['no pieces', { chunkSize: 0 }, 'INVALID_FIELD'],
])('a split with %s is refused', async (_, body, reason) => {
  expect(await door.askJson(`${DATASETS}/whole:splitDataset`, { body })).toMatchObject({
    status: 400,
    body: { details: [{ reason }] },
  });
});

test('rows are looked at page by page, without the blank ones, broken ones as text', async () => {
  await door.makeDataset('seen', `\ufeff{"row":0}\n\nnot json\r\n{"row":2}\n"é"\n[4]`);
  const preview = async (query: string) =>
    (await door.askJson(`${DATASETS}/seen:preview?${query}`)).body as unknown as {
      examples: unknown[];
      nextPageToken: string;
      totalCount: number;
    };
  expect(await preview('')).toEqual({
    examples: [{ row: 0 }, 'not json', { row: 2 }, 'é', [4]],
    nextPageToken: '',
    totalCount: 5,
  });
  const pages = [];
  for (let token = '', more = true; more; more = token !== '') {
    const page = await preview(`pageSize=2&pageToken=${encodeURIComponent(token)}`);
    pages.push(page.examples);
    token = page.nextPageToken;
  }
  expect(pages).toEqual([[{ row: 0 }, 'not json'], [{ row: 2 }, 'é'], [[4]]]);
  expect((await door.askJson(`${DATASETS}/seen:preview?pageToken=x`)).body).toMatchObject({
    details: [{ reason: 'INVALID_PAGE_TOKEN' }],
  });
  expect((await door.askJson(`${DATASETS}/waiting:preview`)).body).toMatchObject({ details: [{ reason: 'DATASET_NOT_READY' }] });
});
