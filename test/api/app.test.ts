import { afterAll, beforeAll, expect, test } from 'vitest';
import { issueKey } from '../../src/actions/issue-key.ts';
import { makeApp } from '../../src/api/app.ts';
import { openDoor } from './door.ts';

let door: Awaited<ReturnType<typeof openDoor>>;
beforeAll(async () => {
  door = await openDoor();
  await door.makeDataset('in');
  await door.askJson('/v1/accounts/acme/batchInferenceJobs?batchInferenceJobId=job', {
    body: { model: 'tickets', inputDatasetId: 'in' },
  });
});
afterAll(() => door.close());

const ACME = [
  '/v1/accounts/acme/datasets',
  '/v1/accounts/acme/datasets/in',
  '/v1/accounts/acme/batchInferenceJobs',
  '/v1/accounts/acme/batchInferenceJobs/job',
];

test.each([
  ['no key', null],
  ['a key of nobody', 'bl_nobody'],
  ['an empty key', ''],
])('%s gets the envelope with 403', async (_, key) => {
  for (const path of ACME) {
    const reply = await door.ask(path, { key });
    expect(reply.status).toBe(403);
    expect(await reply.json()).toEqual({
      error: { message: 'The API key you provided is invalid.', param: null, code: 'UNAUTHORIZED', type: 'error' },
      request_id: reply.headers.get('x-request-id'),
    });
  }
});

test('a key stops being good when it expires', async () => {
  const expiresAt = new Date(door.clock.time + 1000);
  const { key } = await issueKey(door.context, { accountId: 'acme', displayName: 'short', role: 'admin', expiresAt });
  expect((await door.ask('/v1/accounts/acme/datasets', { key })).status).toBe(200);
  door.clock.time += 1000;
  expect((await door.ask('/v1/accounts/acme/datasets', { key })).status).toBe(403);
});

test('the secret of a key is nowhere in the database', async () => {
  const rows = await door.context.store.db.selectFrom('apiKey').selectAll().execute();
  expect(rows.length).toBeGreaterThan(1);
  expect(JSON.stringify(rows)).not.toContain(door.keys.acme);
  expect(rows.some(({ prefix }) => door.keys.acme.startsWith(prefix) && prefix.length <= 10)).toBe(true);
});

test.each(['GET', 'POST', 'DELETE', 'PATCH'])(
  "another account's path is refused with 403 on %s, whether the thing exists or not",
  async (method) => {
    const paths = ACME.flatMap((path) => [
      path,
      `${path}-nope`,
      `${path}:upload`,
      `${path}:cancel`,
      `${path}:getDownloadEndpoint`,
    ]);
    for (const path of paths) {
      const reply = await door.ask(path, { method, key: door.keys.bob, ...(method === 'GET' ? {} : { body: '{}' }) });
      expect([403, 404, 405]).toContain(reply.status);
      if (reply.status !== 405) expect(await reply.text()).not.toContain('acme@example.test');
    }
  },
);

test('with its own account in the path, a key finds nothing of the other account', async () => {
  const own = { key: door.keys.bob };
  expect((await door.askJson('/v1/accounts/bob/datasets', own)).body).toEqual({ datasets: [], nextPageToken: '', totalSize: 0 });
  expect((await door.askJson('/v1/accounts/bob/batchInferenceJobs', own)).body).toEqual({
    batchInferenceJobs: [],
    nextPageToken: '',
    totalSize: 0,
  });
  for (const path of ['datasets/in', 'batchInferenceJobs/job', 'datasets/in:getDownloadEndpoint']) {
    expect((await door.ask(`/v1/accounts/bob/${path}`, own)).status).toBe(404);
  }
});

test('two accounts may use the same ids', async () => {
  const own = { key: door.keys.bob };
  expect((await door.askJson('/v1/accounts/bob/datasets', { ...own, body: { datasetId: 'in' } })).status).toBe(200);
  expect((await door.askJson('/v1/accounts/acme/datasets/in')).body).toMatchObject({
    state: 'READY',
    createdBy: 'acme@example.test',
  });
  expect((await door.askJson('/v1/accounts/bob/datasets/in', own)).body).toMatchObject({
    state: 'UPLOADING',
    createdBy: 'bob@example.test',
  });
  await door.ask('/v1/accounts/bob/datasets/in', { ...own, method: 'DELETE' });
});

test.each([
  ['PUT', '/v1/accounts/acme/datasets', 'POST, GET'],
  ['POST', '/v1/accounts/acme/datasets/in:getDownloadEndpoint', 'GET'],
  ['GET', '/v1/accounts/acme/datasets/in:upload', 'POST'],
  ['PATCH', '/v1/accounts/acme/batchInferenceJobs/job', 'GET, DELETE'],
])('%s %s is answered with a plain 405', async (method, path, allow) => {
  const reply = await door.ask(path, { method });
  expect([reply.status, await reply.text(), reply.headers.get('allow')]).toEqual([405, 'Method Not Allowed', allow]);
});

test.each([
  '/v1/accounts/acme/datasets/in:explode',
  '/v1/accounts/acme/nonsense',
  '/nonsense',
  '/v1/accounts/acme/datasets/in/x',
])('%s is not found', async (path) => {
  const reply = await door.askJson(path);
  expect(reply).toMatchObject({ status: 404, body: { code: 5, message: `resource not found: GET ${path}` } });
});

test('a verb does not swallow another', async () => {
  const { body } = await door.askJson('/v1/accounts/acme/datasets/in:getDownloadEndpoint');
  expect(Object.keys(body.filenameToSignedUrls)).toEqual(['dataset/in/in.jsonl']);
});

test('an encoded colon belongs to the id', async () => {
  const reply = await door.askJson('/v1/accounts/acme/datasets/in%3Aupload');
  expect(reply).toMatchObject({ status: 400, body: { details: [{ reason: 'INVALID_ID' }] } });
});

test.each([
  ['{"datasetId":', 'INVALID_JSON'],
  ['[]', 'INVALID_FIELD'],
  ['"x"', 'INVALID_FIELD'],
  [`{"datasetId":"${'x'.repeat(1024 * 1024)}"}`, 'BODY_TOO_LARGE'],
])('a body that is no fitting JSON is refused: %.20s', async (body, reason) => {
  expect(await door.askJson('/v1/accounts/acme/datasets', { body })).toMatchObject({
    status: 400,
    body: { code: 3, details: [{ reason }] },
  });
});

test('a JSON body is read whatever its content type says', async () => {
  const reply = await door.ask('/v1/accounts/acme/datasets', {
    body: '{"datasetId":"formish"}',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  expect(reply.status).toBe(200);
});

test('every reply carries a request id; a harmless one is kept', async () => {
  expect((await door.ask('/healthz')).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  expect((await door.ask('/healthz', { headers: { 'x-request-id': 'mine-1' } })).headers.get('x-request-id')).toBe('mine-1');
  expect((await door.ask('/healthz', { headers: { 'x-request-id': 'a b;<c>' } })).headers.get('x-request-id')).toMatch(
    /^[0-9a-f-]{36}$/,
  );
  expect((await door.ask('/nonsense')).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
});

test('a defect is answered without its insides, and logged with the request id', async () => {
  const models = {
    ...door.context.models,
    resolve: () => {
      throw new TypeError('secret detail');
    },
  };
  const reply = await makeApp({ ...door.context, models }).request('/v1/accounts/acme/batchInferenceJobs', {
    method: 'POST',
    headers: { authorization: `Bearer ${door.keys.acme}`, 'x-request-id': 'broken-1' },
    body: JSON.stringify({ model: 'tickets', inputDatasetId: 'in' }),
  });
  expect(reply.status).toBe(500);
  const body = await reply.json();
  expect(body).toMatchObject({
    code: 13,
    message: 'Something went wrong in the server. Its log says more under request broken-1.',
  });
  expect(JSON.stringify(body)).not.toContain('secret detail');
  expect(door.logged.at(-1)).toMatchObject({
    requestId: 'broken-1',
    error: expect.objectContaining({ message: 'secret detail' }),
  });
});

test('health, readiness and version need no key', async () => {
  expect(await door.askJson('/healthz', { key: null })).toEqual({ status: 200, body: { status: 'ok' } });
  expect(await door.askJson('/readyz', { key: null })).toEqual({
    status: 200,
    body: { status: 'ok', checks: { database: 'ok', storage: 'ok', engines: 'ok' } },
  });
  expect(await door.askJson('/version', { key: null })).toEqual({
    status: 200,
    body: { version: '0.0.0-test', node: process.version },
  });
});

test('without engines the server is ready and says what is missing; without storage it is not ready', async () => {
  const noEngine = makeApp({ ...door.context, models: { list: () => [], resolve: () => undefined } });
  expect(await (await noEngine.request('/readyz')).json()).toMatchObject({ status: 'ok', checks: { engines: 'no engine yet' } });
  const objects = Object.assign(Object.create(door.context.objects), { head: () => Promise.reject(new Error('disk gone')) });
  const noStorage = await makeApp({ ...door.context, objects }).request('/readyz');
  expect(noStorage.status).toBe(503);
  expect(await noStorage.text()).not.toContain('disk gone');
});
