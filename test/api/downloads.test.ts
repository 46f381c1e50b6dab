import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { formOf, openDoor } from './door.ts';

const TEXT = '{"row":1}\n{"row":2}\n{"row":3}\n';
let door: Awaited<ReturnType<typeof openDoor>>;
let url: URL;
beforeAll(async () => {
  door = await openDoor();
  await door.askJson('/v1/accounts/acme/datasets', { body: { datasetId: 'out' } });
  await door.askJson('/v1/accounts/acme/datasets/out:upload', { body: formOf(TEXT, 'naïve rows.jsonl') });
});
afterAll(() => door.close());
beforeEach(async () => {
  const { body } = await door.askJson('/v1/accounts/acme/datasets/out:getDownloadEndpoint');
  url = new URL(body.filenameToSignedUrls['dataset/out/naïve rows.jsonl'] ?? '');
});

const download = (headers: Record<string, string> = {}, method = 'GET') =>
  door.ask(url.pathname + url.search, { key: null, headers, method });

test('a link begins with the configured address, whatever Host says', async () => {
  const { body } = await door.askJson('/v1/accounts/acme/datasets/out:getDownloadEndpoint', {
    headers: { host: 'evil.test', 'x-forwarded-host': 'evil.test' },
  });
  expect(Object.keys(body)).toEqual(['filenameToSignedUrls']);
  expect(Object.values(body.filenameToSignedUrls)[0]).toMatch(/^http:\/\/boatload\.test\/v1\/downloads\//);
});

test('a link is good without a key and gives the very bytes', async () => {
  const reply = await download();
  expect(reply.status).toBe(200);
  expect(await reply.text()).toBe(TEXT);
  expect(Object.fromEntries(reply.headers)).toMatchObject({
    'content-type': 'application/jsonl',
    'content-length': String(TEXT.length),
    'accept-ranges': 'bytes',
    'content-disposition': "attachment; filename*=UTF-8''na%C3%AFve%20rows.jsonl",
    'x-content-type-options': 'nosniff',
  });
});

test('a range of it is sent as such, so that a download can go on', async () => {
  const reply = await download({ range: 'bytes=10-19' });
  expect([reply.status, reply.headers.get('content-range'), await reply.text()]).toEqual([
    206,
    `bytes 10-19/${TEXT.length}`,
    TEXT.slice(10, 20),
  ]);
  const rest = await download({ range: 'bytes=20-', 'if-range': reply.headers.get('etag') ?? '' });
  expect([rest.status, await rest.text()]).toEqual([206, TEXT.slice(20)]);
  expect((await download({ range: 'bytes=20-', 'if-range': '"another file"' })).status).toBe(200);
});

test('a range behind the end is refused', async () => {
  const reply = await download({ range: 'bytes=1000-' });
  expect([reply.status, reply.headers.get('content-range')]).toEqual([416, `bytes */${TEXT.length}`]);
});

test('HEAD tells the size without the bytes', async () => {
  const reply = await download({}, 'HEAD');
  expect([reply.status, reply.headers.get('content-length'), await reply.text()]).toEqual([200, String(TEXT.length), '']);
});

test('a link cannot be written to', async () => {
  expect((await download({}, 'POST')).status).toBe(405);
});

test('a link expires after ten minutes', async () => {
  door.clock.time += 599_000;
  expect((await download()).status).toBe(200);
  door.clock.time += 2_000;
  const reply = await download();
  expect(reply.status).toBe(403);
  expect(await reply.json()).toMatchObject({ code: 7, details: [{ reason: 'LINK_EXPIRED' }] });
});

test.each([
  ['a longer life', () => url.searchParams.set('expires', String(Number(url.searchParams.get('expires')) + 1))],
  ['no expiry', () => url.searchParams.delete('expires')],
  ['another signature', () => url.searchParams.set('signature', 'A'.repeat(43))],
  ['no signature', () => url.searchParams.delete('signature')],
  ['another account', () => Object.assign(url, { pathname: url.pathname.replace('acme', 'bob') })],
  ['another dataset', () => Object.assign(url, { pathname: url.pathname.replace('/out/', '/in/') })],
  ['another file', () => Object.assign(url, { pathname: `${url.pathname}x` })],
  ['a path out of the store', () => Object.assign(url, { pathname: url.pathname.replace('/out/', '/..%2f..%2f/') })],
])('a link with %s is refused', async (_, forge) => {
  forge();
  const reply = await download();
  expect(reply.status).toBe(403);
  expect(await reply.json()).toMatchObject({ code: 7, details: [{ reason: 'LINK_FORGED' }] });
});

test('a link dies with its dataset', async () => {
  await door.makeDataset('short-lived');
  const { body } = await door.askJson('/v1/accounts/acme/datasets/short-lived:getDownloadEndpoint');
  url = new URL(Object.values(body.filenameToSignedUrls)[0] ?? '');
  await door.ask('/v1/accounts/acme/datasets/short-lived', { method: 'DELETE' });
  expect((await download()).status).toBe(404);
});

test('a dataset that is not there has no links', async () => {
  expect(await door.askJson('/v1/accounts/acme/datasets/bij-notthere:getDownloadEndpoint')).toMatchObject({
    status: 404,
    body: { code: 5 },
  });
});
