import { afterAll, beforeAll, expect, test } from 'vitest';
import { formOf, openDoor } from './door.ts';

const DATASETS = '/v1/accounts/acme/datasets';
let door: Awaited<ReturnType<typeof openDoor>>;
beforeAll(async () => {
  door = await openDoor({ datasetBytes: 1000 });
});
afterAll(() => door.close());

const objectKeys = () => door.objectKeys();
const refusal = (code: number, reason: string, message: unknown = expect.any(String)) => ({
  code,
  message,
  details: [expect.objectContaining({ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'boatload' })],
});

test('a dataset is created with every field, in UPLOADING', async () => {
  const created = await door.askJson(DATASETS, {
    body: { datasetId: 'in-01', dataset: { userUploaded: {}, exampleCount: '2', displayName: 'First' } },
  });
  expect(created).toEqual({
    status: 200,
    body: {
      name: 'accounts/acme/datasets/in-01',
      displayName: 'First',
      createTime: '2026-01-05T02:00:00.000Z',
      updateTime: '2026-01-05T02:00:00.000Z',
      createdBy: 'acme@example.test',
      state: 'UPLOADING',
      status: { code: 'OK', message: '' },
      exampleCount: '2',
      userUploaded: {},
      externalUrl: '',
      format: 'FORMAT_UNSPECIFIED',
      sourceJobName: '',
      estimatedTokenCount: '0',
      averageTurnCount: 0,
      encryptionState: 'ENCRYPTION_STATE_PLAINTEXT',
    },
  });
});

test('snake_case bodies are taken too', async () => {
  const created = await door.askJson(DATASETS, {
    body: { dataset_id: 'snake', dataset: { user_uploaded: {}, example_count: 7, display_name: 'S' } },
  });
  expect(created.body).toMatchObject({ name: 'accounts/acme/datasets/snake', exampleCount: '7', displayName: 'S' });
});

test('an upload makes it READY, counts its rows and answers in snake_case', async () => {
  await door.askJson(DATASETS, { body: { datasetId: 'up', dataset: { exampleCount: '99' } } });
  const text = '{"a":1}\n\n{"a":2}\n';
  const uploaded = await door.askJson(`${DATASETS}/up:upload`, { body: formOf(text, 'rows.jsonl') });
  expect(uploaded).toEqual({
    status: 200,
    body: {
      id: 'accounts/acme/datasets/up',
      object: 'file',
      bytes: text.length,
      created_at: door.clock.time / 1000,
      filename: 'rows.jsonl',
      purpose: 'dataset',
    },
  });
  const read = await door.askJson(`${DATASETS}/up`);
  expect(read.body).toMatchObject({ state: 'READY', exampleCount: '2', estimatedTokenCount: String(Math.ceil(text.length / 4)) });
});

test('the part named file is found behind other parts', async () => {
  await door.askJson(DATASETS, { body: { datasetId: 'last' } });
  const form = new FormData();
  form.set('purpose', 'x'.repeat(5000));
  form.set('other', new Blob(['not this one']), 'other.txt');
  form.set('file', new Blob(['{}\n']), '../../etc/pass"wd');
  form.set('after', '1');
  const uploaded = await door.askJson(`${DATASETS}/last:upload`, { body: form });
  expect(uploaded).toMatchObject({ status: 200, body: { bytes: 3 } });
  expect(uploaded.body.filename).not.toContain('/');
});

test('a dataset that has its file takes no other', async () => {
  await door.makeDataset('done', '{}');
  const before = await objectKeys();
  const again = await door.askJson(`${DATASETS}/done:upload`, { body: formOf('{}') });
  expect(again).toEqual({ status: 400, body: refusal(9, 'DATASET_READY') });
  expect(await objectKeys()).toEqual(before);
});

test('of two uploads at a time one wins, the other leaves nothing', async () => {
  await door.askJson(DATASETS, { body: { datasetId: 'race' } });
  const before = await objectKeys();
  const uploads = await Promise.all(
    ['{}', '{}\n{}'].map((text) => door.askJson(`${DATASETS}/race:upload`, { body: formOf(text) })),
  );
  expect(uploads.map(({ status }) => status).toSorted()).toEqual([200, 400]);
  expect(await objectKeys()).toHaveLength(before.length + 1);
});

test.each([
  ['an empty file', () => formOf(''), 'DATASET_EMPTY'],
  ['a file of blank lines', () => formOf('\n \r\n\n'), 'DATASET_EMPTY'],
  ['a file over the limit', () => formOf('x'.repeat(1001)), 'DATASET_TOO_LARGE'],
  ['no file at all', () => Object.assign(new FormData(), {}), 'NO_FILE'],
  ['a body that is no form', () => ({ file: 'x' }), 'NOT_MULTIPART'],
])('%s is refused, and nothing is left behind', async (_, body, reason) => {
  await door.askJson(DATASETS, { body: { datasetId: 'refused' } });
  const before = await objectKeys();
  const headers = reason === 'NOT_MULTIPART' ? { 'content-type': 'application/json' } : {};
  expect(await door.askJson(`${DATASETS}/refused:upload`, { body: body(), headers })).toEqual({
    status: 400,
    body: refusal(3, reason),
  });
  expect(await objectKeys()).toEqual(before);
  expect((await door.askJson(`${DATASETS}/refused`)).body).toMatchObject({ state: 'UPLOADING' });
});

test('two parts named file are refused, and the dataset stays as it was', async () => {
  await door.askJson(DATASETS, { body: { datasetId: 'two' } });
  const before = await objectKeys();
  const form = formOf('{}\n');
  form.append('file', new Blob(['{}\n']), 'second.jsonl');
  expect(await door.askJson(`${DATASETS}/two:upload`, { body: form })).toEqual({
    status: 400,
    body: refusal(3, 'SEVERAL_FILES'),
  });
  expect(await objectKeys()).toEqual(before);
  expect((await door.askJson(`${DATASETS}/two`)).body).toMatchObject({ state: 'UPLOADING' });
});

test('a form that is cut off is not taken for complete', async () => {
  await door.askJson(DATASETS, { body: { datasetId: 'cut' } });
  const before = await objectKeys();
  const body = '--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n{}\n{}\n';
  const reply = await door.askJson(`${DATASETS}/cut:upload`, {
    body,
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
  });
  expect(reply).toEqual({ status: 400, body: refusal(3, 'UPLOAD_BROKEN_OFF') });
  expect(await objectKeys()).toEqual(before);
});

test('exactly the limit is taken', async () => {
  expect(await door.makeDataset('exact', 'x'.repeat(1000))).toMatchObject({ status: 200, body: { bytes: 1000 } });
});

test('an id that exists is refused with 409', async () => {
  await door.askJson(DATASETS, { body: { datasetId: 'twice' } });
  expect(await door.askJson(DATASETS, { body: { datasetId: 'twice' } })).toEqual({
    status: 409,
    body: refusal(6, 'DATASET_EXISTS'),
  });
});

test.each([
  [{ datasetId: 'Bad' }, 3, 'INVALID_ID'],
  [{ dataset: {} }, 3, 'INVALID_FIELD'],
  [{ datasetId: 'x', dataset: { colour: 'red' } }, 3, 'INVALID_FIELD'],
  [{ datasetId: 'x', dataset: { exampleCount: 'many' } }, 3, 'INVALID_FIELD'],
  [{ datasetId: 'x', dataset: { displayName: 'x'.repeat(64) } }, 3, 'INVALID_FIELD'],
  [{ datasetId: 'x', filter: 'a = 1' }, 12, 'DATASET_ORIGIN_NOT_OFFERED'],
  [{ datasetId: 'x', sourceDatasetId: 'nowhere' }, 5, 'DATASET_NOT_FOUND'],
  [{ datasetId: 'x', dataset: { transformed: { sourceDatasetId: 'y', filter: 'a' } } }, 3, 'INVALID_FILTER'],
  [{ datasetId: 'x', dataset: { externalUrl: 'gs://b' } }, 12, 'DATASET_ORIGIN_NOT_OFFERED'],
  [{ datasetId: 'x', dataset: { evalProtocol: {} } }, 12, 'DATASET_ORIGIN_NOT_OFFERED'],
])('creating %j is refused', async (body, code, reason) => {
  expect((await door.askJson(DATASETS, { body })).body).toEqual(refusal(code, reason));
});

test('an unknown field is named as the original names it', async () => {
  expect(await door.askJson(DATASETS, { body: { datasetId: 'x', datset: {} } })).toEqual({
    status: 400,
    body: {
      code: 3,
      message: 'unknown field "datset"',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          reason: 'INVALID_FIELD',
          domain: 'boatload',
          metadata: { field: 'datset' },
        },
      ],
    },
  });
});

test('a server told to be strict demands the count in the words of the original', async () => {
  const strict = { ...door.context, limits: { ...door.context.limits, requireExampleCount: true } };
  const { makeApp } = await import('../../src/api/app.ts');
  const reply = await makeApp(strict).request(DATASETS, {
    method: 'POST',
    headers: { authorization: `Bearer ${door.keys.acme}` },
    body: JSON.stringify({ datasetId: 'strict', dataset: { userUploaded: {} } }),
  });
  expect(await reply.json()).toEqual(
    refusal(3, 'EXAMPLE_COUNT_REQUIRED', 'error validating dataset: example_count is required for uploaded datasets'),
  );
});

test('the label can be changed, and nothing else', async () => {
  await door.makeDataset('label');
  door.clock.time += 1000;
  const patched = await door.askJson(`${DATASETS}/label`, { method: 'PATCH', body: { display_name: 'New', state: 'UPLOADING' } });
  expect(patched.body).toMatchObject({ displayName: 'New', state: 'READY', updateTime: new Date(door.clock.time).toISOString() });
  expect((await door.askJson(`${DATASETS}/label`, { method: 'PATCH', body: {} })).body).toEqual(patched.body);
});

test('a deleted dataset is gone with its bytes', async () => {
  const before = await objectKeys();
  await door.makeDataset('gone');
  expect(await objectKeys()).toHaveLength(before.length + 1);
  expect(await door.askJson(`${DATASETS}/gone`, { method: 'DELETE' })).toEqual({ status: 200, body: {} });
  expect(await objectKeys()).toEqual(before);
  const missing = { status: 404, body: refusal(5, 'DATASET_NOT_FOUND', 'resource not found: accounts/acme/datasets/gone') };
  expect(await door.askJson(`${DATASETS}/gone`)).toEqual(missing);
  expect(await door.askJson(`${DATASETS}/gone`, { method: 'DELETE' })).toEqual(missing);
  expect(await door.askJson(`${DATASETS}/gone:upload`, { body: formOf('{}') })).toEqual(missing);
});

test('a dataset is not deleted while a job uses it', async () => {
  await door.makeDataset('used');
  await door.askJson('/v1/accounts/acme/batchInferenceJobs', {
    body: { model: 'tickets', inputDatasetId: 'used', outputDatasetId: 'used-out' },
  });
  expect(await door.askJson(`${DATASETS}/used`, { method: 'DELETE' })).toEqual({
    status: 400,
    body: refusal(9, 'DATASET_IN_USE'),
  });
});

test('pages of a list follow each other, by name, to the end', async () => {
  const own = { key: door.keys.bob };
  for (const id of ['c', 'a', 'e', 'b', 'd'])
    await door.askJson('/v1/accounts/bob/datasets', { ...own, body: { datasetId: id } });
  const pages: (string | undefined)[][] = [];
  for (let token = '', left = true; left; left = token !== '') {
    const { body } = await door.askJson(
      `/v1/accounts/bob/datasets?pageSize=2&readMask=name&pageToken=${encodeURIComponent(token)}`,
      own,
    );
    pages.push(body.datasets.map(({ name }) => name.split('/').at(-1)));
    expect(body.totalSize).toBe(5);
    token = body.nextPageToken;
  }
  expect(pages).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
});

test.each(['pageToken=nonsense', 'pageSize=-1', 'orderBy=colour', 'filter=state%3D1'])(
  'a list with %s is refused',
  async (query) => {
    expect((await door.ask(`${DATASETS}?${query}`)).status).toBe(400);
  },
);

test('a page token is good for its own order only', async () => {
  const { body } = await door.askJson(`${DATASETS}?pageSize=1`);
  const reply = await door.askJson(
    `${DATASETS}?pageSize=1&orderBy=name%20desc&pageToken=${encodeURIComponent(body.nextPageToken)}`,
  );
  expect(reply).toEqual({ status: 400, body: refusal(3, 'INVALID_PAGE_TOKEN') });
});

test('a mask keeps what it names', async () => {
  await door.makeDataset('masked');
  expect((await door.askJson(`${DATASETS}/masked?readMask=name,example_count`)).body).toEqual({
    name: 'accounts/acme/datasets/masked',
    exampleCount: '1',
  });
});
