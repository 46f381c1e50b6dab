/** Files that come to their signed links piece by piece, over cut connections and new starts. */
import { once } from 'node:events';
import { type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sweepObjects } from '../../src/actions/sweep-objects.ts';
import { makeApp } from '../../src/api/app.ts';
import { makeId } from '../../src/base/ids.ts';
import { openDiskStore } from '../../src/storage/disk.ts';
import { openDoor } from './door.ts';

const DATASETS = '/v1/accounts/acme/datasets';
const TEXT = '{"custom_id":"a"}\n{"custom_id":"b"}\n{"custom_id":"c"}\n';
const BYTES = TEXT.length;
let door: Awaited<ReturnType<typeof openDoor>>;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

const linkTo = async (id: string, bytes = BYTES): Promise<string> => {
  const body = { filenameToSize: { 'a.jsonl': String(bytes) } };
  const { filenameToSignedUrls } = (await door.askJson(`${DATASETS}/${id}:getUploadEndpoint`, { body })).body;
  const url = new URL(filenameToSignedUrls['a.jsonl'] ?? 'http://boatload.test/no-link');
  return url.pathname + url.search;
};
const makeLink = async () => {
  const id = makeId(8);
  await door.askJson(DATASETS, { body: { datasetId: id, dataset: { userUploaded: {} } } });
  return { id, link: await linkTo(id) };
};
const put = (link: string, range: string, body = '') =>
  door.ask(link, { method: 'PUT', key: null, body, headers: { 'content-range': range } });
const putPiece = (link: string, first: number, end: number) =>
  put(link, `bytes ${first}-${end - 1}/${BYTES}`, TEXT.slice(first, end));
const ask = (link: string) => put(link, `bytes */${BYTES}`);
const answer = async (reply: Response | Promise<Response>) => [(await reply).status, (await reply).headers.get('range')];
const reasonOf = async (reply: Response | Promise<Response>) => {
  const { details } = (await (await reply).json()) as { details: { reason: string }[] };
  return [(await reply).status, details[0]?.reason];
};
const contentOf = async (id: string) => {
  await door.askJson(`${DATASETS}/${id}:validateUpload`, { body: {} });
  const { body } = await door.askJson(`${DATASETS}/${id}:getDownloadEndpoint`);
  const url = new URL(body.filenameToSignedUrls[`dataset/${id}/a.jsonl`] ?? '');
  return (await door.ask(url.pathname + url.search, { key: null })).text();
};

test('pieces in order make the file, each answer says where to go on, and only the file stays', async () => {
  const { id, link } = await makeLink();
  const before = await door.objectKeys();
  expect(await answer(ask(link))).toEqual([308, null]);
  expect(await answer(putPiece(link, 0, 10))).toEqual([308, 'bytes=0-9']);
  expect(await answer(ask(link))).toEqual([308, 'bytes=0-9']);
  expect(await answer(putPiece(link, 10, 40))).toEqual([308, 'bytes=0-39']);
  expect(await answer(putPiece(link, 40, BYTES))).toEqual([200, null]);
  expect(await answer(ask(link))).toEqual([200, null]);
  expect(await door.objectKeys()).toHaveLength(before.length + 1);
  expect(await contentOf(id)).toBe(TEXT);
  expect((await door.askJson(`${DATASETS}/${id}`)).body).toMatchObject({ state: 'READY', exampleCount: '3' });
  expect(await answer(ask(link))).toEqual([200, null]);
  expect(await reasonOf(putPiece(link, 0, 10))).toEqual([400, 'DATASET_READY']);
});

test('the whole file may be one piece, and its total may be left out', async () => {
  const { id, link } = await makeLink();
  expect(await answer(put(link, `bytes 0-${BYTES - 1}/*`, TEXT))).toEqual([200, null]);
  expect(await contentOf(id)).toBe(TEXT);
});

test('a piece that does not go on where the last one ended changes nothing, and one at 0 begins anew', async () => {
  const { id, link } = await makeLink();
  await putPiece(link, 0, 20);
  expect(await answer(putPiece(link, 30, 40))).toEqual([308, 'bytes=0-19']);
  expect(await answer(putPiece(link, 10, 30))).toEqual([308, 'bytes=0-19']);
  expect(await answer(put(link, `bytes 0-4/${BYTES}`, TEXT.slice(0, 5)))).toEqual([308, 'bytes=0-4']);
  expect(await answer(putPiece(link, 5, BYTES))).toEqual([200, null]);
  expect(await contentOf(id)).toBe(TEXT);
});

test('a file that came whole can be brought anew piece by piece, and the other way round', async () => {
  const { id, link } = await makeLink();
  const other = TEXT.replace('"a"', '"z"');
  expect((await door.ask(link, { method: 'PUT', key: null, body: other })).status).toBe(200);
  expect(await answer(putPiece(link, 0, 10))).toEqual([308, 'bytes=0-9']);
  expect((await door.ask(link, { method: 'PUT', key: null, body: other })).status).toBe(200);
  expect(await answer(putPiece(link, 10, BYTES))).toEqual([200, null]);
  expect(await contentOf(id)).toBe(TEXT);
});

test.each([
  ['another total', `bytes 0-9/${BYTES + 1}`],
  ['more than the total', `bytes 0-${BYTES}/${BYTES}`],
  ['an end before the beginning', `bytes 9-3/${BYTES}`],
  ['another unit', `rows 0-9/${BYTES}`],
  ['no numbers', `bytes a-b/${BYTES}`],
  ['a question about another total', `bytes */${BYTES + 1}`],
])('content-range with %s is refused', async (_, range) => {
  const { link } = await makeLink();
  expect(await reasonOf(put(link, range, 'x'.repeat(10)))).toEqual([400, 'INVALID_CONTENT_RANGE']);
  expect(await answer(ask(link))).toEqual([308, null]);
});

test('a length that is not that of the piece is refused before it is read, and more than it says too', async () => {
  const { link } = await makeLink();
  const headers = { 'content-range': `bytes 0-9/${BYTES}`, 'content-length': '11' };
  expect(await reasonOf(door.ask(link, { method: 'PUT', key: null, body: TEXT, headers }))).toEqual([
    400,
    'UPLOAD_SIZE_MISMATCH',
  ]);
  expect(await reasonOf(put(link, `bytes 0-9/${BYTES}`, TEXT))).toEqual([400, 'INVALID_CONTENT_RANGE']);
  expect(await answer(ask(link))).toEqual([308, null]);
});

test('an expired link takes nothing, and a new one goes on where it was', async () => {
  const { id, link } = await makeLink();
  await putPiece(link, 0, 20);
  door.clock.time += 3_600_000;
  expect(await reasonOf(ask(link))).toEqual([403, 'LINK_EXPIRED']);
  expect(await reasonOf(putPiece(link, 20, BYTES))).toEqual([403, 'LINK_EXPIRED']);
  const fresh = await linkTo(id);
  expect(await answer(ask(fresh))).toEqual([308, 'bytes=0-19']);
  expect(await answer(putPiece(fresh, 20, BYTES))).toEqual([200, null]);
});

test('another size, or a dataset that was made anew, begins at 0; nothing is kept of a deleted one', async () => {
  const { id, link } = await makeLink();
  const before = await door.objectKeys();
  await putPiece(link, 0, 20);
  const longer = await linkTo(id, BYTES + 1);
  expect(await answer(put(longer, `bytes */${BYTES + 1}`))).toEqual([308, null]);
  expect(await reasonOf(ask(link))).toEqual([400, 'DATASET_READY']);
  await linkTo(id);
  expect(await answer(ask(link))).toEqual([308, 'bytes=0-19']);
  await door.ask(`${DATASETS}/${id}`, { method: 'DELETE' });
  expect(await door.objectKeys()).toEqual(before);
  expect(await reasonOf(ask(link))).toEqual([400, 'DATASET_READY']);
  door.clock.time += 1;
  await door.askJson(DATASETS, { body: { datasetId: id } });
  expect(await answer(ask(await linkTo(id)))).toEqual([308, null]);
});

test("a model's file comes piece by piece too", async () => {
  const models = '/v1/accounts/acme/models';
  const before = await door.objectKeys();
  const linkOf = async (id: string) => {
    await door.askJson(models, { body: { modelId: id, model: { kind: 'CUSTOM_MODEL' } } });
    const body = { filenameToSize: { 'a.bin': String(BYTES) }, enableResumableUpload: true };
    const { filenameToSignedUrls } = (await door.askJson(`${models}/${id}:getUploadEndpoint`, { body })).body;
    const url = new URL(filenameToSignedUrls['a.bin'] ?? '');
    return url.pathname + url.search;
  };
  const link = await linkOf('piecewise');
  expect(await answer(ask(link))).toEqual([308, null]);
  expect(await answer(putPiece(link, 0, 20))).toEqual([308, 'bytes=0-19']);
  expect(await answer(putPiece(link, 20, BYTES))).toEqual([200, null]);
  expect(await answer(ask(link))).toEqual([200, null]);
  expect(await door.objectKeys()).toHaveLength(before.length + 1);
  expect((await door.askJson(`${models}/piecewise:validateUpload?skipHfConfigValidation=true`)).status).toBe(200);
  expect(await reasonOf(ask(link))).toEqual([400, 'MODEL_READY']);
  await putPiece(await linkOf('half'), 0, 20);
  await door.ask(`${models}/half`, { method: 'DELETE' });
  await door.ask(`${models}/piecewise`, { method: 'DELETE' });
  expect(await door.objectKeys()).toEqual(before);
});

test('what was abandoned is swept after a week, not before', async () => {
  const { link } = await makeLink();
  const before = await door.objectKeys();
  await putPiece(link, 0, 20);
  door.clock.time += 6 * 24 * 3_600_000;
  await sweepObjects(door.context);
  expect(await door.objectKeys()).toHaveLength(before.length + 1);
  door.clock.time += 25 * 3_600_000;
  await sweepObjects(door.context);
  expect(await door.objectKeys()).toEqual(before);
});

test('over a socket: what came before the cut stays, over a new start too', async () => {
  const { id, link } = await makeLink();
  const server = await listen(door.app);
  const sender = request({ ...addressOf(server), method: 'PUT', path: link, agent: false });
  sender.on('error', () => undefined);
  sender.setHeader('content-range', `bytes 0-${BYTES - 1}/${BYTES}`);
  sender.setHeader('content-length', BYTES);
  const left = new Promise((resolve) => sender.once('close', resolve));
  sender.write(TEXT.slice(0, 25), () => sender.destroy());
  await left;
  await expect.poll(async () => answer(ask(link))).toEqual([308, 'bytes=0-24']);
  server.closeAllConnections();
  server.close();
  const again = makeApp({ ...door.context, objects: await openDiskStore(`${door.dir}/objects`) });
  const restarted = await listen(again);
  const rest = request({ ...addressOf(restarted), method: 'PUT', path: link, agent: false });
  rest.setHeader('content-range', `bytes 25-${BYTES - 1}/${BYTES}`);
  rest.end(TEXT.slice(25));
  expect(((await once(rest, 'response')) as [IncomingMessage])[0].statusCode).toBe(200);
  expect(await contentOf(id)).toBe(TEXT);
  restarted.closeAllConnections();
  restarted.close();
});

const listen = async (app: typeof door.app): Promise<Server> => {
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server; // Plain HTTP by default.
  if (!server.listening) await once(server, 'listening');
  return server;
};
const addressOf = (server: Server) => ({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
