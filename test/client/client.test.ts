import { randomBytes } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Client, makeClient } from '../../src/client/client.ts';
import type { RemoteFile } from '../../src/client/download.ts';
import { ApiError } from '../../src/client/errors.ts';
import type { Transfer } from '../../src/client/transfer.ts';
import { type HttpLine, openHttpLine } from '../../src/torture/http-line.ts';
import { makeFolder } from '../support/folder.ts';
import { allIds, contentOf, makeRows, parseLines } from '../support/rows.ts';
import { MODEL, START_MS, startServer, type TestServer } from './server.ts';

/** The largest dataset; far more than sockets hold. */
const LIMIT_BYTES = 20_000_000;

let server: TestServer;
let proxy: HttpLine;
let client: Client;

beforeAll(async () => {
  server = await startServer({}, { BOATLOAD_MAX_DATASET_BYTES: String(LIMIT_BYTES) });
  proxy = await openHttpLine(server.url);
}, START_MS);
afterAll(async () => {
  await proxy?.close();
  await server?.close();
});
beforeEach(() => {
  proxy.seen.length = 0;
  proxy.script = () => undefined;
  client = makeClient({ baseUrl: `${proxy.url}/v1/`, apiKey: server.apiKey });
});

let made = 0;
const newId = (word: string): string => `${word}-${++made}`;
const blobOf = (text: string | Buffer): Blob => new Blob([text]);
const read = async (file: RemoteFile | undefined, options = {}): Promise<Buffer> => {
  if (file === undefined) throw new Error('Expected a file');
  return Buffer.concat(await Array.fromAsync(file.read(options)));
};
const seen = (pattern: RegExp) => proxy.seen.filter(({ method, path }) => pattern.test(`${method} ${path}`));
const refusalOf = (asked: Promise<unknown>): Promise<ApiError> =>
  asked.then(
    () => Promise.reject(new Error('Expected a refusal')),
    (error: unknown) => (error instanceof ApiError ? error : Promise.reject(error)),
  );

/** The real thing, but for a server that is older than upload links. The faulty line would hide how a server hangs up. */
const withoutLinks: typeof fetch = async (input, init) =>
  String(input).includes('getUploadEndpoint') ? new Response('', { status: 405 }) : fetch(input, init);

/** A READY dataset of so many rows. */
async function upload(rows: number): Promise<string> {
  const id = newId('in');
  await client.datasets.create({ datasetId: id });
  await client.datasets.upload(id, [{ name: 'rows.jsonl', content: blobOf(makeRows(rows)) }]);
  return id;
}

describe('the life of a job', () => {
  test('a file goes in with progress, a job is followed, its answers come out', async () => {
    const path = join(await makeFolder(), 'rows.jsonl');
    await writeFile(path, makeRows(200));
    const content = await openAsBlob(path);
    const id = newId('in');
    expect(await client.datasets.create({ datasetId: id, dataset: { displayName: 'Rows' } })).toMatchObject({
      state: 'UPLOADING',
    });
    const transfers: Transfer[] = [];
    const dataset = await client.datasets.upload(id, [{ name: 'rows.jsonl', content }], {
      onProgress: (at) => transfers.push(at),
    });
    expect(dataset).toMatchObject({ state: 'READY', exampleCount: '200', displayName: 'Rows' });
    expect(transfers.at(-1)).toEqual({ bytes: content.size, totalBytes: content.size });
    expect(seen(/PUT .*upload/)).toHaveLength(1);

    const job = await client.jobs.create({ model: MODEL, inputDatasetId: id });
    const states = new Set<string>();
    const ended = await client.waitForJob(job.name, { intervalMs: 20, onProgress: ({ state }) => states.add(state) });
    expect(ended).toMatchObject({ state: 'JOB_STATE_COMPLETED', jobProgress: { successfullyProcessedRequests: 200 } });
    expect([...states].at(-1)).toBe('JOB_STATE_COMPLETED');
    const files = await client.datasets.files(ended.outputDatasetId);
    expect(files.map(({ name }) => name).toSorted()).toEqual(['BIJOutputSet.jsonl', 'error-data']);
    const rows = parseLines((await read(files.find(({ name }) => name === 'BIJOutputSet.jsonl'))).toString());
    expect(rows.map(contentOf)).toEqual(allIds(200));
    expect(await read(files.find(({ name }) => name === 'error-data'))).toEqual(Buffer.alloc(0));
  });

  test('several files become one dataset', async () => {
    const id = newId('in');
    await client.datasets.create({ datasetId: id });
    const [a, b] = [makeRows(3), makeRows(5).split('\n').slice(3).join('\n')];
    const transfers: Transfer[] = [];
    const files = [
      { name: 'a.jsonl', content: blobOf(a) },
      { name: 'b.jsonl', content: blobOf(b) },
    ];
    expect(await client.datasets.upload(id, files, { onProgress: (at) => transfers.push(at) })).toMatchObject({
      exampleCount: '5',
    });
    expect(transfers.at(-1)).toEqual({ bytes: a.length + b.length, totalBytes: a.length + b.length });
    expect(transfers.map(({ bytes }) => bytes)).toEqual(transfers.map(({ bytes }) => bytes).toSorted((x, y) => x - y));
    const stored = await client.datasets.files(id);
    expect((await Promise.all(stored.map((file) => read(file)))).map(String).toSorted()).toEqual([a, b].toSorted());
  });

  test('a job can be stopped, continued and deleted; its lineage and its merged answers can be read', async () => {
    const parent = await client.jobs.create({ model: MODEL, inputDatasetId: await upload(4) }, { id: newId('job') });
    await client.waitForJob(parent.name, { intervalMs: 20 });
    expect(await refusalOf(client.jobs.cancel(parent.name))).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'JOB_ENDED' });
    const files = await client.datasets.files(parent.outputDatasetId, { lineage: true, merged: true });
    expect(files.map(({ name }) => name).toSorted()).toEqual(['BIJOutputSet.jsonl', 'error-data', 'merged.jsonl']);
    const merged = parseLines((await read(files.find(({ name }) => name === 'merged.jsonl'))).toString());
    expect(merged.map(({ custom_id }) => custom_id)).toEqual(allIds(4));
    await client.jobs.delete(parent.name);
    expect((await refusalOf(client.waitForJob(parent.name, { intervalMs: 20, timeoutMs: 30_000 }))).code).toBe('NOT_FOUND');
  });

  test('waiting ends when its time is over, and when the caller leaves', async () => {
    const id = await upload(1);
    const job = await client.jobs.create({ model: MODEL, inputDatasetId: id });
    await client.waitForJob(job.name, { intervalMs: 20 });
    // A look answers a state that is not final for ever.
    proxy.script = ({ path }) => {
      if (!path.includes('batchInferenceJobs')) return undefined;
      return {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...job, state: 'JOB_STATE_RUNNING' }),
      };
    };
    const late = await refusalOf(client.waitForJob(job.name, { intervalMs: 5, timeoutMs: 30 }));
    expect(late).toMatchObject({ code: 'DEADLINE_EXCEEDED', reason: 'WAIT_TIMEOUT' });
    const leave = new AbortController();
    const waiting = client.waitForJob(job.name, { intervalMs: 5, signal: leave.signal, onProgress: () => leave.abort() });
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('a line on which things go wrong', () => {
  test('a refusal has its code, its reason, its facts and the id of the request', async () => {
    const error = await refusalOf(client.datasets.get('nope'));
    expect(error).toMatchObject({ code: 'NOT_FOUND', reason: 'DATASET_NOT_FOUND', status: 404 });
    expect(error.message).toContain('nope');
    expect(error.requestId).toMatch(/^[\w-]+$/);
    expect(seen(/GET .*nope/)).toHaveLength(1);
    const stranger = makeClient({ baseUrl: proxy.url, apiKey: 'bl_wrong' });
    expect(await refusalOf(stranger.jobs.get('x'))).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'KEY_REFUSED',
      status: 403,
    });
    const { reason, details } = await refusalOf(client.jobs.create({ nonsense: 1 } as object));
    expect([reason, details['field']]).toEqual(['INVALID_FIELD', 'nonsense']);
  });

  test('a reply that no server of ours sends is an error all the same', async () => {
    proxy.script = () => ({ status: 404, body: '<html>gone</html>' });
    expect(await refusalOf(client.datasets.get('x'))).toMatchObject({ code: 'NOT_FOUND', reason: 'HTTP_404' });
    proxy.script = () => ({ status: 200, body: '<html>welcome</html>' });
    expect(await refusalOf(makeClient({ baseUrl: proxy.url, apiKey: 'k', retries: 0 }).datasets.get('x'))).toMatchObject({
      reason: 'NO_CONNECTION',
    });
  });

  test('a server that is not there is said to be, after the tries', async () => {
    const nobody = makeClient({ baseUrl: 'http://127.0.0.1:9', apiKey: 'k', retries: 1 });
    const error = await refusalOf(nobody.jobs.get('x'));
    expect(error).toMatchObject({ code: 'UNAVAILABLE', reason: 'NO_CONNECTION', status: 0 });
    expect(error.message).toContain("Can't reach http://127.0.0.1:9");
  });

  test('reads are tried again after lost connections, 429 and 5xx', async () => {
    const id = await upload(1);
    for (const fault of ['before', 'after', { status: 500 }, { status: 502 }, { status: 429 }, { status: 408 }] as const) {
      proxy.seen.length = 0;
      proxy.script = () => (proxy.seen.length === 1 ? fault : undefined);
      expect(await client.datasets.get(id)).toMatchObject({ state: 'READY' });
      expect(proxy.seen).toHaveLength(2);
    }
  });

  test('retry-after is waited for, and tries come to an end', async () => {
    proxy.script = () => (proxy.seen.length === 1 ? { status: 503, headers: { 'retry-after': '1' } } : undefined);
    await client.accounts.get();
    const [first, second] = proxy.seen;
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(990);
    proxy.seen.length = 0;
    proxy.script = () => ({ status: 500, body: '{"code":13,"message":"broken","details":[]}' });
    const few = makeClient({ baseUrl: proxy.url, apiKey: server.apiKey, retries: 2 });
    expect(await refusalOf(few.accounts.get())).toMatchObject({ code: 'INTERNAL', message: 'broken' });
    expect(proxy.seen).toHaveLength(3);
    proxy.seen.length = 0;
    proxy.script = () => ({ status: 429, headers: { 'retry-after': '3600' } });
    expect((await refusalOf(few.accounts.get())).retryAfterMs).toBe(3_600_000);
    expect(proxy.seen).toHaveLength(1);
  });

  test('a create whose reply was lost makes one job, and one whose id was taken stays refused', async () => {
    const id = await upload(1);
    const count = async () => (await client.jobs.list().pages()[Symbol.asyncIterator]().next()).value?.totalSize;
    const before = await count();
    proxy.script = ({ method }) => (method === 'POST' && seen(/^POST/).length === 1 ? 'after' : undefined);
    proxy.seen.length = 0;
    const job = await client.jobs.create({ model: MODEL, inputDatasetId: id });
    expect(job.name).toMatch(/\/[a-z][a-z0-9]{9}$/);
    expect(seen(/^POST/)).toHaveLength(2);
    expect(await count()).toBe((before ?? 0) + 1);
    const taken = job.name.split('/').at(-1);
    expect(await refusalOf(client.jobs.create({ model: MODEL, inputDatasetId: id }, { id: taken }))).toMatchObject({
      code: 'ALREADY_EXISTS',
    });
  });

  test('a dataset whose create and a delete whose reply were lost are done once', async () => {
    const id = newId('in');
    proxy.script = () => (proxy.seen.length === 1 ? 'after' : undefined);
    expect(await client.datasets.create({ datasetId: id })).toMatchObject({ state: 'UPLOADING' });
    proxy.seen.length = 0;
    await client.datasets.delete(id);
    expect(proxy.seen).toHaveLength(2);
    expect((await refusalOf(client.datasets.get(id))).code).toBe('NOT_FOUND');
  });

  test('a second key is not made because a reply was lost', async () => {
    proxy.script = () => 'after';
    expect(await refusalOf(client.apiKeys.create('me', { displayName: 'lost' }))).toMatchObject({ reason: 'NO_CONNECTION' });
    expect(proxy.seen).toHaveLength(1);
  });

  test('an upload that broke off is sent again, to a new link', async () => {
    const id = newId('in');
    await client.datasets.create({ datasetId: id });
    proxy.script = ({ method }) => (method === 'PUT' && seen(/^PUT/).length === 1 ? 'before' : undefined);
    const content = blobOf(makeRows(2_000));
    expect(await client.datasets.upload(id, [{ name: 'a.jsonl', content }])).toMatchObject({
      state: 'READY',
      exampleCount: '2000',
    });
    expect(seen(/^PUT/)).toHaveLength(2);
    expect(seen(/getUploadEndpoint/)).toHaveLength(2);
  });

  test('a server without upload links gets one file as a form, and is not given several', async () => {
    proxy.script = ({ path }) =>
      path.includes('getUploadEndpoint')
        ? { status: 404, body: JSON.stringify({ code: 5, message: 'no', details: [{ reason: 'NO_SUCH_PATH', metadata: {} }] }) }
        : undefined;
    const id = newId('in');
    await client.datasets.create({ datasetId: id });
    const file = { name: 'a "quoted" name.jsonl', content: blobOf(makeRows(300)) };
    const transfers: Transfer[] = [];
    expect(await client.datasets.upload(id, [file], { onProgress: (at) => transfers.push(at) })).toMatchObject({
      exampleCount: '300',
    });
    expect(transfers.at(-1)).toEqual({ bytes: file.content.size, totalBytes: file.content.size });
    expect((await read((await client.datasets.files(id))[0])).toString()).toBe(makeRows(300));
    await expect(client.datasets.upload(id, [file, file])).rejects.toThrow('Expected one file');
  });

  test('a file that is too large is refused in the words of the server, by both ways', async () => {
    const content = new Blob(Array.from({ length: 40 }, () => Buffer.alloc(1_000_000, 'x')));
    const send = async () => {
      const id = newId('in');
      await client.datasets.create({ datasetId: id });
      return refusalOf(client.datasets.upload(id, [{ name: 'large.jsonl', content }], { onProgress: () => {} }));
    };
    expect(await send()).toMatchObject({ reason: 'DATASET_TOO_LARGE' });
    client = makeClient({ baseUrl: server.url, apiKey: server.apiKey, fetch: withoutLinks });
    expect(await send()).toMatchObject({ reason: 'DATASET_TOO_LARGE' });
  });

  test('a download that breaks off goes on where it stopped, and begins where it is told', async () => {
    const bytes = Buffer.from(makeRows(20_000));
    const id = newId('in');
    await client.datasets.create({ datasetId: id });
    await client.datasets.upload(id, [{ name: 'a.jsonl', content: blobOf(bytes) }]);
    const [file] = await client.datasets.files(id);
    const facts = await file?.head();
    expect(facts).toEqual({ bytes: bytes.length, etag: expect.stringMatching(/^".+"$/) });
    proxy.seen.length = 0;
    // Twice in a row: after 100,000 bytes of the whole, and of what was left.
    proxy.script = ({ path }) => (path.startsWith('/v1/downloads/') && proxy.seen.length <= 2 ? 100_000 : undefined);
    expect((await read(file)).equals(bytes)).toBe(true);
    const ranges = proxy.seen.map(({ headers }) => headers.range);
    expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/), expect.stringMatching(/^bytes=\d+-$/)]);
    expect(proxy.seen.slice(1).map(({ headers }) => headers['if-range'])).toEqual([facts?.etag, facts?.etag]);
    proxy.script = () => undefined;
    expect((await read(file, { start: bytes.length - 5, etag: facts?.etag })).equals(bytes.subarray(-5))).toBe(true);
    expect(await refusalOf(read(file, { start: 5, etag: '"another"' }))).toMatchObject({ reason: 'FILE_CHANGED' });
  });

  test('an expired link is asked for again', async () => {
    const id = await upload(3);
    const [file] = await client.datasets.files(id);
    proxy.script = ({ path }) =>
      path.startsWith('/v1/downloads/') && seen(/downloads/).length === 1 ? { status: 403 } : undefined;
    expect((await read(file)).toString()).toBe(makeRows(3));
    expect(seen(/getDownloadEndpoint/)).toHaveLength(2);
  });

  test('an aborted call is the abort, not an error of the line', async () => {
    const leave = new AbortController();
    proxy.script = () => {
      leave.abort();
      return undefined;
    };
    await expect(client.accounts.get(undefined, { signal: leave.signal })).rejects.toMatchObject({ name: 'AbortError' });
    expect(proxy.seen).toHaveLength(1);
  });
});

describe('resources', () => {
  test('a list is walked over all its pages, in order, filtered', async () => {
    const word = newId('page');
    for (const letter of ['c', 'a', 'b', 'e', 'd']) await client.datasets.create({ datasetId: `${word}-${letter}` });
    proxy.seen.length = 0;
    const filter = `name = "accounts/${server.account}/datasets/${word}-a" OR displayName = "" AND state = "UPLOADING"`;
    const names: string[] = [];
    for await (const { name } of client.datasets.list({ pageSize: 2, orderBy: 'name desc', filter })) names.push(name);
    const own = names.filter((name) => name.includes(word)).map((name) => name.slice(-1));
    expect(own).toEqual(['e', 'd', 'c', 'b', 'a']);
    expect(proxy.seen.length).toBe(Math.ceil(names.length / 2));
    for await (const { entries, totalSize, isLast } of client.datasets.list({ pageSize: 2, filter }).pages()) {
      expect([entries.length, totalSize, isLast]).toEqual([2, names.length, false]);
      break;
    }
  });

  test('labels change, masks leave out, full names are names', async () => {
    const id = await upload(1);
    const { name } = await client.datasets.update(id, { displayName: 'New' });
    expect(await client.datasets.get(name)).toMatchObject({ displayName: 'New' });
    expect(Object.keys(await client.datasets.get(name, { readMask: 'name,state' })).toSorted()).toEqual(['name', 'state']);
  });

  test('users and their keys are made, listed and deleted; a deleted key opens nothing', async () => {
    const user = await client.users.create({ email: 'ada@example.com', role: 'user' });
    expect((await client.users.get('me')).role).toBe('admin');
    const { key, keyId } = await client.apiKeys.create(user.name, { displayName: 'ci' });
    const ada = makeClient({ baseUrl: proxy.url, apiKey: key });
    expect((await ada.users.get('me')).name).toBe(user.name);
    expect((await refusalOf(ada.users.create({ email: 'eve@example.com' }))).code).toBe('PERMISSION_DENIED');
    const keys = await Array.fromAsync(client.apiKeys.list(user.name));
    expect(keys).toMatchObject([{ keyId, displayName: 'ci', key: '' }]);
    await client.apiKeys.delete(user.name, keyId);
    expect((await refusalOf(ada.users.get('me'))).reason).toBe('KEY_REFUSED');
    await client.users.delete(user.name);
    expect((await refusalOf(client.users.get(user.name))).code).toBe('NOT_FOUND');
  });

  test('accounts, quotas, models and bills can be read, and a quota be set', async () => {
    const account = await client.accounts.get();
    expect(account.name).toBe(`accounts/${server.account}`);
    expect(await Array.fromAsync(client.accounts.list())).toEqual([account]);
    const [quota] = await Array.fromAsync(client.quotas.list());
    expect(await client.quotas.update(quota?.name ?? '', { value: '7' })).toMatchObject({ value: '7' });
    await client.quotas.update(quota?.name ?? '', { value: quota?.value });
    const models = await Array.fromAsync(client.models.list({ accountId: 'fireworks' }));
    expect(models.map(({ name }) => name.split('/').at(-1))).toEqual(expect.arrayContaining(['echo', MODEL]));
    const [startTime, endTime] = [new Date(Date.now() - 86_400_000), new Date(Date.now() + 86_400_000)].map((at) =>
      at.toISOString(),
    );
    const usage = await client.billing.usage({ startTime: startTime ?? '', endTime: endTime ?? '' });
    expect(usage.serverlessCosts.length).toBeGreaterThan(0);
  });

  test('a model goes in and comes out again, byte for byte', async () => {
    const id = newId('model');
    const weights = randomBytes(300_000);
    await client.models.create({
      modelId: id,
      model: { kind: 'HF_BASE_MODEL', baseModelDetails: { checkpointFormat: 'NATIVE' } },
    });
    const config = { name: 'config.json', content: blobOf(Buffer.from('{"model_type":"llama"}')) };
    await client.models.upload(id, [config, { name: 'model.safetensors', content: blobOf(weights) }]);
    expect(await client.models.get(id)).toMatchObject({ state: 'READY' });
    const [, file] = await client.models.files(id);
    expect((await read(file)).equals(weights)).toBe(true);
    expect((await refusalOf(client.models.import(id, { awsS3Source: { s3Bucket: 'b' } }))).code).toBe('UNIMPLEMENTED');
    await client.models.delete(id);
  });
});
