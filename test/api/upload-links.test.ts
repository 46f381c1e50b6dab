/** `:getUploadEndpoint`, the PUTs it leads to, and `:validateUpload`. */
import { once } from 'node:events';
import { type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { serve } from '@hono/node-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeId } from '../../src/base/ids.ts';
import { findDataset } from '../../src/db/queries/find-dataset.ts';
import { openDoor } from './door.ts';

const DATASETS = '/v1/accounts/acme/datasets';
const A = '{"custom_id":"a"}\n';
const B = '{"custom_id":"b"}\n{"custom_id":"c"}';
let door: Awaited<ReturnType<typeof openDoor>>;
beforeAll(async () => {
  door = await openDoor({ datasetBytes: 1000 });
});
afterAll(() => door.close());

const makeWaiting = async (): Promise<string> => {
  const id = makeId(8);
  await door.askJson(DATASETS, { body: { datasetId: id, dataset: { userUploaded: {} } } });
  return id;
};
const askLinks = (id: string, filenameToSize: unknown) =>
  door.askJson(`${DATASETS}/${id}:getUploadEndpoint`, { body: { filenameToSize } });
const linksOf = async (id: string, texts: Readonly<Record<string, string>>) => {
  const sizes = Object.entries(texts).map(([name, content]) => [name, String(Buffer.byteLength(content))]);
  return (await askLinks(id, Object.fromEntries(sizes))).body.filenameToSignedUrls;
};
const put = async (link: string | undefined, body: string, headers: Record<string, string> = {}) => {
  const url = new URL(link ?? 'http://boatload.test/no-link');
  return door.ask(url.pathname + url.search, { method: 'PUT', key: null, body, headers });
};
const finish = (id: string) => door.askJson(`${DATASETS}/${id}:validateUpload`, { body: {} });
const read = async (id: string) => (await door.askJson(`${DATASETS}/${id}`)).body;
const refused = async (reply: Response | Promise<Response>) => {
  const { status, body } = {
    status: (await reply).status,
    body: (await (await reply).json()) as { details: { reason: string }[] },
  };
  return [status, body.details[0]?.reason];
};

test('files are put to their links without a key, and the dataset is READY with all of them', async () => {
  const id = await makeWaiting();
  const links = await linksOf(id, { 'b.jsonl': B, 'a.jsonl': A });
  expect(Object.keys(links).toSorted()).toEqual(['a.jsonl', 'b.jsonl']);
  const headers = { 'content-type': 'application/octet-stream', 'x-goog-content-length-range': `${B.length},${B.length}` };
  expect((await put(links['b.jsonl'], B, headers)).status).toBe(200);
  expect(await finish(id)).toMatchObject({
    status: 400,
    body: { code: 9, message: expect.stringContaining('a.jsonl'), details: [{ reason: 'FILES_MISSING' }] },
  });
  expect((await put(links['a.jsonl'], A)).status).toBe(200);
  expect(await finish(id)).toEqual({ status: 200, body: {} });
  expect(await finish(id)).toEqual({ status: 200, body: {} });
  expect(await read(id)).toMatchObject({ state: 'READY', exampleCount: '3', userUploaded: {} });
  const { body } = await door.askJson(`${DATASETS}/${id}:getDownloadEndpoint`);
  expect(Object.keys(body.filenameToSignedUrls)).toEqual([`dataset/${id}/a.jsonl`, `dataset/${id}/b.jsonl`]);
});

test('snake_case and plain numbers are taken too', async () => {
  const id = await makeWaiting();
  const { status } = await door.askJson(`${DATASETS}/${id}:getUploadEndpoint`, { body: { filename_to_size: { 'a.jsonl': 5 } } });
  expect(status).toBe(200);
});

test('the same link again replaces the file, and the bytes of before are gone', async () => {
  const id = await makeWaiting();
  const before = await door.objectKeys();
  const links = await linksOf(id, { 'a.jsonl': A });
  await put(links['a.jsonl'], A);
  await put(links['a.jsonl'], A.replace('"a"', '"z"'));
  expect(await door.objectKeys()).toHaveLength(before.length + 1);
  await finish(id);
  const { body } = await door.askJson(`${DATASETS}/${id}:getDownloadEndpoint`);
  const url = new URL(body.filenameToSignedUrls[`dataset/${id}/a.jsonl`] ?? '');
  expect(await (await door.ask(url.pathname + url.search, { key: null })).text()).toContain('"z"');
});

test('another size than announced is refused and leaves nothing behind', async () => {
  const id = await makeWaiting();
  const before = await door.objectKeys();
  const link = (await linksOf(id, { 'a.jsonl': A }))['a.jsonl'];
  expect(await refused(put(link, `${A} `))).toEqual([400, 'UPLOAD_SIZE_MISMATCH']);
  expect(await refused(put(link, A.slice(1)))).toEqual([400, 'UPLOAD_SIZE_MISMATCH']);
  expect(await refused(put(link, A, { 'content-length': '5' }))).toEqual([400, 'UPLOAD_SIZE_MISMATCH']);
  expect(await refused(put(link, A, { 'x-goog-content-length-range': '1,2' }))).toEqual([400, 'INVALID_LENGTH_RANGE']);
  expect(await refused(put(link, A, { 'x-goog-content-length-range': 'all' }))).toEqual([400, 'INVALID_LENGTH_RANGE']);
  expect(await door.objectKeys()).toEqual(before);
  expect(await refused(door.ask(`${DATASETS}/${id}:validateUpload`, { body: {} }))).toEqual([400, 'FILES_MISSING']);
});

test.each([
  ['no file', {}, 'INVALID_FILE_COUNT'],
  ['too many files', Object.fromEntries(Array.from({ length: 1001 }, (_, file) => [`f${file}`, '1'])), 'INVALID_FILE_COUNT'],
  ['a path', { 'a/b.jsonl': '1' }, 'INVALID_FILE_NAME'],
  ['a folder above', { '..': '1' }, 'INVALID_FILE_NAME'],
  ['a control character', { 'a\n': '1' }, 'INVALID_FILE_NAME'],
  ['a nameless file', { '': '1' }, 'INVALID_FILE_NAME'],
  ['a long name', { ['é'.repeat(128)]: '1' }, 'INVALID_FILE_NAME'],
  ['an empty file', { a: '0' }, 'INVALID_FILE_SIZE'],
  ['a negative size', { a: '-1' }, 'INVALID_FILE_SIZE'],
  ['a size that is none', { a: 'big' }, 'INVALID_FIELD'],
  ['a file over the limit', { a: '1001' }, 'DATASET_TOO_LARGE'],
  ['files that are too large together', { a: '600', b: '401' }, 'DATASET_TOO_LARGE'],
])('links for %s are refused', async (_, sizes, reason) => {
  const { status, body } = await askLinks(await makeWaiting(), sizes);
  expect([status, body.details[0]?.reason]).toEqual([400, reason]);
});

test('the limit holds over several calls, and a new size for a file counts once', async () => {
  const id = await makeWaiting();
  expect((await askLinks(id, { a: '600' })).status).toBe(200);
  expect((await askLinks(id, { a: '600' })).status).toBe(200);
  expect((await askLinks(id, { b: '401' })).status).toBe(400);
  expect((await askLinks(id, { a: '500' })).status).toBe(200);
  expect((await askLinks(id, { b: '401' })).status).toBe(200);
});

test('a link is good for its own file, size and time', async () => {
  const id = await makeWaiting();
  const link = new URL((await linksOf(id, { 'a.jsonl': A }))['a.jsonl'] ?? '');
  const changed = (change: (url: URL) => void): string => {
    const url = new URL(link);
    change(url);
    return url.href;
  };
  const larger = changed((url) => url.searchParams.set('size', '19'));
  const elsewhere = changed((url) => Object.assign(url, { pathname: url.pathname.replace('a.jsonl', 'b.jsonl') }));
  expect(await refused(put(larger, `${A} `))).toEqual([403, 'LINK_FORGED']);
  expect(await refused(put(elsewhere, A))).toEqual([403, 'LINK_FORGED']);
  expect(
    await refused(
      put(
        changed((url) => url.searchParams.delete('size')),
        A,
      ),
    ),
  ).toEqual([403, 'LINK_FORGED']);
  const asDownload = changed((url) => Object.assign(url, { pathname: url.pathname.replace('uploads', 'downloads') }));
  expect(await refused(door.ask(new URL(asDownload).pathname + link.search, { key: null }))).toEqual([403, 'LINK_FORGED']);
  door.clock.time += 3_600_000;
  expect(await refused(put(link.href, A))).toEqual([403, 'LINK_EXPIRED']);
  door.clock.time -= 3_600_000;
  expect((await door.ask(link.pathname + link.search, { key: null })).status).toBe(405);
});

test('a dataset that is closed, or that a job writes to, takes no file', async () => {
  const closed = await makeWaiting();
  const links = await linksOf(closed, { 'a.jsonl': A });
  await put(links['a.jsonl'], A);
  await finish(closed);
  const before = await door.objectKeys();
  expect(await refused(put(links['a.jsonl'], A))).toEqual([400, 'DATASET_READY']);
  expect((await askLinks(closed, { a: '1' })).body).toMatchObject({ code: 9, details: [{ reason: 'DATASET_READY' }] });
  expect(await door.objectKeys()).toEqual(before);
  const promised = await makeWaiting();
  const link = (await linksOf(promised, { 'a.jsonl': A }))['a.jsonl'];
  await door.askJson('/v1/accounts/acme/batchInferenceJobs', {
    body: { model: 'tickets', inputDatasetId: closed, outputDatasetId: promised },
  });
  expect(await refused(put(link, A))).toEqual([400, 'DATASET_IN_USE']);
  expect(await door.objectKeys()).toEqual(before);
});

test('a dataset with links takes no form upload, and one without files is not closed', async () => {
  const id = await makeWaiting();
  expect(await refused(door.ask(`${DATASETS}/${id}:validateUpload`, { body: {} }))).toEqual([400, 'DATASET_EMPTY']);
  await linksOf(id, { 'a.jsonl': '\n\n' });
  const form = new FormData();
  form.set('file', new Blob([A]), 'a.jsonl');
  expect((await door.askJson(`${DATASETS}/${id}:upload`, { body: form })).body).toMatchObject({
    details: [{ reason: 'UPLOAD_BEGUN' }],
  });
  const blank = await makeWaiting();
  await put((await linksOf(blank, { 'a.jsonl': '\n\n' }))['a.jsonl'], '\n\n');
  expect(await refused(door.ask(`${DATASETS}/${blank}:validateUpload`, { body: {} }))).toEqual([400, 'DATASET_EMPTY']);
});

test('a dataset deleted while its file comes in leaves nothing', async () => {
  const before = await door.objectKeys();
  const id = await makeWaiting();
  const link = (await linksOf(id, { 'a.jsonl': A }))['a.jsonl'];
  await door.ask(`${DATASETS}/${id}`, { method: 'DELETE' });
  expect(await refused(put(link, A))).toEqual([400, 'DATASET_READY']);
  expect(await door.objectKeys()).toEqual(before);
});

test('over a socket, a sender that goes on past the size is refused, and one that goes away leaves nothing', async () => {
  const server = serve({ fetch: door.app.fetch, port: 0, hostname: '127.0.0.1' }) as Server; // Plain HTTP by default.
  if (!server.listening) await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const id = await makeWaiting();
  const before = await door.objectKeys();
  const url = new URL((await linksOf(id, { 'a.jsonl': 'x'.repeat(900) }))['a.jsonl'] ?? '');
  const open = () => request({ host: '127.0.0.1', port, method: 'PUT', path: url.pathname + url.search, agent: false });
  const endless = open();
  endless.on('error', () => undefined);
  const pump = setInterval(() => endless.write('x'.repeat(600)), 5);
  const [reply] = (await once(endless, 'response')) as [IncomingMessage];
  clearInterval(pump);
  expect([reply.statusCode, JSON.parse(await text(reply)).details[0].reason]).toEqual([400, 'UPLOAD_SIZE_MISMATCH']);
  endless.destroy();
  const leaving = open();
  leaving.on('error', () => undefined);
  const left = new Promise((resolve) => leaving.once('close', resolve));
  leaving.write('x'.repeat(600), () => leaving.destroy());
  await left;
  const again = open();
  again.end('x'.repeat(900));
  expect(((await once(again, 'response')) as [IncomingMessage])[0].statusCode).toBe(200);
  expect(await findDataset(door.context.store.db, 'acme', id)).toMatchObject({ state: 'UPLOADING' });
  expect(await door.objectKeys()).toHaveLength(before.length + 1);
  server.closeAllConnections();
  server.close();
});
