/** Small things that clients of the documented system rely on. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeModelRegistry } from '../../src/actions/model-registry.ts';
import { makeApp } from '../../src/api/app.ts';
import { openDoor } from './door.ts';

const DATASETS = '/v1/accounts/acme/datasets';
const JOBS = '/v1/accounts/acme/batchInferenceJobs';
let door: Awaited<ReturnType<typeof openDoor>>;
beforeAll(async () => {
  door = await openDoor();
  await door.makeDataset('in');
});
afterAll(() => door.close());

const askApp = async (app: typeof door.app, path: string, body?: unknown) => {
  const reply = await app.request(path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${door.keys.acme}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: reply.status, body: await reply.json() };
};

test('label and format of a dataset can be changed, together and each alone', async () => {
  const patch = (body: unknown) => door.askJson(`${DATASETS}/in`, { method: 'PATCH', body });
  expect((await patch({ displayName: 'Rows', format: 'CHAT' })).body).toMatchObject({ displayName: 'Rows', format: 'CHAT' });
  expect((await patch({ format: 'COMPLETION' })).body).toMatchObject({ displayName: 'Rows', format: 'COMPLETION' });
  expect((await patch({ display_name: '' })).body).toMatchObject({ displayName: '', format: 'COMPLETION', state: 'READY' });
  expect(await patch({ format: 'NONSENSE' })).toMatchObject({ status: 400 });
});

test('links heed the mask of fields', async () => {
  const download = (mask: string) => door.askJson(`${DATASETS}/in:getDownloadEndpoint?readMask=${mask}`);
  expect(Object.keys((await download('*')).body)).toEqual(['filenameToSignedUrls']);
  expect((await download('nothing')).body).toEqual({});
  await door.askJson(DATASETS, { body: { datasetId: 'waiting' } });
  const upload = (readMask: string) =>
    door.askJson(`${DATASETS}/waiting:getUploadEndpoint`, { body: { filenameToSize: { a: '1' }, readMask } });
  expect(Object.keys((await upload('filename_to_signed_urls')).body)).toEqual(['filenameToSignedUrls']);
});

test("switches in a query are taken as Python's and Go's clients write them", async () => {
  for (const flag of ['True', 'TRUE', 't', 'false', 'False'])
    expect((await door.askJson(`${DATASETS}/in:getDownloadEndpoint?downloadLineage=${flag}`)).status).toBe(200);
  expect((await door.askJson(`${DATASETS}/in:getDownloadEndpoint?download_lineage=maybe`)).status).toBe(400);
});

test('a model that is served says what its rows get where nobody says', async () => {
  const defaults = { temperature: 0.6, topP: 0.9, extraBody: { repetition_penalty: 1.1, stop: ['x'] } };
  const name = 'accounts/boatload/models/tuned';
  const models = makeModelRegistry(() => [{ name, served: true, precision: 'BF16', defaults }]);
  const app = makeApp({ ...door.context, models });
  const { body } = await askApp(app, '/v1/accounts/fireworks/models/tuned');
  expect(body).toMatchObject({ defaultSamplingParams: { temperature: 0.6, top_p: 0.9, repetition_penalty: 1.1 } });
  expect(Object.keys((body as { defaultSamplingParams: object }).defaultSamplingParams)).toHaveLength(3);
});

test('a model that no engine serves is refused at once, unless the server was told to let jobs wait for it', async () => {
  const wish = { model: 'asleep', inputDatasetId: 'in' };
  expect(await door.askJson(JOBS, { body: wish })).toMatchObject({
    status: 400,
    body: { details: [{ reason: 'MODEL_NOT_SERVED' }] },
  });
  const patient = makeApp({ ...door.context, limits: { ...door.context.limits, acceptIdleModels: true } });
  expect(await askApp(patient, JOBS, wish)).toMatchObject({
    status: 200,
    body: { state: 'JOB_STATE_VALIDATING', model: 'accounts/boatload/models/asleep' },
  });
  expect(await askApp(patient, JOBS, { ...wish, model: 'nothing' })).toMatchObject({ status: 404 });
});

test('a name that no database takes is refused wherever a model is named', async () => {
  const model = 'a\u0000b';
  for (const [path, body] of [
    [JOBS, { model, inputDatasetId: 'in' }],
    ['/v1/accounts/acme/deployedModels', { model }],
    ['/v1/embeddings', { model, input: 'x' }],
  ] as const)
    expect([path, (await door.askJson(path, { body })).status]).toEqual([path, 400]);
  expect(door.logged).toEqual([]);
});
