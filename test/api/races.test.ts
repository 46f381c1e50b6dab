/** Two callers at once: whoever is second is told, and what is left behind fits together. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDoor } from './door.ts';

const JOBS = '/v1/accounts/acme/batchInferenceJobs';
const DATASETS = '/v1/accounts/acme/datasets';
const TRIES = [...Array(10).keys()];
let door: Awaited<ReturnType<typeof openDoor>>;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

const statusOf = async (path: string) => (await door.ask(path)).status;
const reasonOf = ({ body }: Awaited<ReturnType<typeof door.askJson>>) => body.details?.[0]?.reason;

test.each(TRIES)('a job and the deletion of its input: one of them is refused (%d)', async (number) => {
  const id = `in-${number}`;
  await door.makeDataset(id);
  const [created, deleted] = await Promise.all([
    door.askJson(`${JOBS}?batchInferenceJobId=job-${number}`, { body: { model: 'tickets', inputDatasetId: id } }),
    door.askJson(`${DATASETS}/${id}`, { method: 'DELETE' }),
  ]);
  expect([created.status, deleted.status].filter((status) => status === 200)).toHaveLength(1);
  if (created.status === 200) expect(reasonOf(deleted)).toBe('DATASET_IN_USE');
  else expect(['DATASET_NOT_FOUND', 'DATASET_NOT_READY']).toContain(reasonOf(created));
  const there = created.status === 200 ? 200 : 404;
  expect([await statusOf(`${JOBS}/job-${number}`), await statusOf(`${DATASETS}/${id}`)]).toEqual([there, there]);
});

test.each(TRIES)('an upload, and a job that takes the dataset for its output: one of them is refused (%d)', async (number) => {
  const id = `out-${number}`;
  await door.makeDataset(`source-${number}`);
  await door.askJson(DATASETS, { body: { datasetId: id } });
  const form = new FormData();
  form.set('file', new Blob(['{}\n']), 'in.jsonl');
  const [created, uploaded] = await Promise.all([
    door.askJson(JOBS, { body: { model: 'tickets', inputDatasetId: `source-${number}`, outputDatasetId: id } }),
    door.askJson(`${DATASETS}/${id}:upload`, { body: form }),
  ]);
  expect([created.status, uploaded.status].filter((status) => status === 200)).toHaveLength(1);
  if (created.status === 200) expect(reasonOf(uploaded)).toBe('DATASET_IN_USE');
  else expect(reasonOf(created)).toBe('OUTPUT_DATASET_EXISTS');
});

test('of many who close a dataset at once, and put its file again, nobody breaks it', async () => {
  await door.askJson(DATASETS, { body: { datasetId: 'closing' } });
  const { body } = await door.askJson(`${DATASETS}/closing:getUploadEndpoint`, { body: { filenameToSize: { a: '3' } } });
  const url = new URL(body.filenameToSignedUrls['a'] ?? '');
  const put = () => door.ask(url.pathname + url.search, { method: 'PUT', key: null, body: '{}\n' });
  await put();
  const before = await door.objectKeys();
  const finish = () => door.ask(`${DATASETS}/closing:validateUpload`, { body: {} });
  const replies = await Promise.all([finish(), put(), finish(), put(), finish()]);
  expect([0, 2, 4].map((place) => replies[place]?.status)).toEqual([200, 200, 200]);
  for (const place of [1, 3]) expect([200, 400]).toContain(replies[place]?.status);
  expect((await door.askJson(`${DATASETS}/closing`)).body).toMatchObject({ state: 'READY', exampleCount: '1' });
  expect(await door.objectKeys()).toHaveLength(before.length);
});
