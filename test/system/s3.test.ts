import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createConnection, createServer as createTcpServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { checkStore } from '../../src/doctor/check-store.ts';
import { openS3Store } from '../../src/storage/s3.ts';
import { type LineFault, openHttpLine } from '../../src/torture/http-line.ts';
import { keysOf, objectStoreConformance } from '../conformance/object-store.ts';
import { S3_KEY, startS3, type TestS3 } from '../support/s3-server.ts';

let s3: TestS3;
beforeAll(async () => {
  for (const [name, value] of Object.entries(S3_KEY)) vi.stubEnv(name, value);
  s3 = await startS3();
}, 120_000);
afterAll(() => s3?.stop());

objectStoreConformance(async () => openS3Store(await s3.makeBucket()));

test('keeps to its folder of a bucket that others use as well', async () => {
  const [bucket = '', parameters = ''] = (await s3.makeBucket()).split('?');
  const [one, other] = [await openS3Store(`${bucket}/one?${parameters}`), await openS3Store(`${bucket}/one-more?${parameters}`)];
  await one.put('a/b', Buffer.from('one'));
  await other.put('a/b', Buffer.from('other'));
  expect(await keysOf(one, '')).toEqual(['a/b']);
  await one.delete(['a/b']);
  expect(await keysOf(other, '')).toEqual(['a/b']);
});

test('lists and deletes more objects than S3 takes in one call', async () => {
  const store = await openS3Store(await s3.makeBucket());
  const keys = Array.from({ length: 1_050 }, (_, index) => `many/${String(index).padStart(5, '0')}`);
  for (let at = 0; at < keys.length; at += 50)
    await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, Buffer.from(key))));
  expect(await keysOf(store, 'many/')).toEqual(keys);
  await store.delete(keys);
  expect(await keysOf(store, '')).toEqual([]);
});

/** A way to the real server on which connections can be cut after so many bytes, or that answers 503 for a while. */
async function startBadLine(): Promise<{ readonly url: (bucket: string) => string; cutAfter: number; cuts: number }> {
  const port = Number(new URL(s3.endpoint).port);
  const line = { cutAfter: Number.POSITIVE_INFINITY, cuts: 0, url: (_: string) => '' };
  const server = createTcpServer((near) => {
    const far = createConnection(port, '127.0.0.1');
    let sent = 0;
    near.on('error', () => far.destroy()).pipe(far);
    far.on('error', () => near.destroy()).on('end', () => near.end());
    far.on('data', (bytes) => {
      sent += bytes.length;
      near.write(bytes);
      if (sent < line.cutAfter) return;
      line.cuts += 1;
      near.resetAndDestroy();
      far.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port: own } = server.address() as AddressInfo;
  line.url = (bucket) => bucket.replace(String(port), String(own));
  return line;
}

test('the doctor tries a bucket and leaves it empty; one that is not there, and a key that is refused, are faults', async () => {
  const bucket = await s3.makeBucket();
  const check = (OBJECT_STORE: string) => checkStore({ ...NOBODY, settings: { OBJECT_STORE } });
  expect(await check(bucket)).toMatchObject([{ details: { putMs: expect.any(Number), deleteMs: expect.any(Number) } }]);
  expect(await keysOf(await openS3Store(bucket), '')).toEqual([]);
  await expect(check(`s3://no-such-bucket?endpoint=${s3.endpoint}`)).rejects.toMatchObject({ reason: 'BUCKET_NOT_FOUND' });
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wrong');
  onTestFinished(() => void vi.stubEnv('AWS_SECRET_ACCESS_KEY', S3_KEY.AWS_SECRET_ACCESS_KEY));
  await expect(check(bucket)).rejects.toMatchObject({ reason: 'STORE_REFUSED' });
});

const NOBODY = { host: '127.0.0.1', dataDir: '/nowhere', models: [], engines: [], through: [] };

test('goes on reading where a connection was cut', async () => {
  const bucket = await s3.makeBucket();
  const line = await startBadLine();
  const bytes = randomBytes(8 * 2 ** 20);
  await (await openS3Store(bucket)).put('large', bytes);
  const store = await openS3Store(line.url(bucket));
  line.cutAfter = 3 * 2 ** 20;
  expect((await store.read('large')).equals(bytes)).toBe(true);
  expect((await buffer(await store.get('large', { start: 100, end: bytes.length - 7 }))).equals(bytes.subarray(100, -7))).toBe(
    true,
  );
  expect(line.cuts).toBeGreaterThanOrEqual(4);
});

test('tries again what a busy server refuses', async () => {
  const bucket = await s3.makeBucket();
  let refused = 0;
  const busy: Server = createServer((request, response) => {
    refused += 1;
    request.resume();
    if (refused % 3 !== 0)
      return void response.writeHead(503, { 'content-type': 'application/xml' }).end('<Error><Code>SlowDown</Code></Error>');
    response.writeHead(200).end();
  });
  await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void busy.close());
  const { port } = busy.address() as AddressInfo;
  const store = await openS3Store(bucket.replace(new URL(s3.endpoint).port, String(port)));
  await store.put('x', Buffer.from('x'));
  expect(refused).toBe(6);
});

test('gives up a connection on which a server falls silent, and goes on with another: before it answers, and in the middle', async () => {
  const line = await openHttpLine(s3.endpoint);
  onTestFinished(() => line.close());
  const store = await openS3Store((await s3.makeBucket()).replace(s3.endpoint, line.url), { silenceMs: 500 });
  const bytes = randomBytes(2 ** 20);
  const faults: LineFault[] = ['stall', 'stall'];
  line.script = () => faults.shift();
  await store.put('large', bytes);
  faults.push('stall', { stallAfter: 2 ** 19 }, 'stall');
  expect((await store.read('large')).equals(bytes)).toBe(true);
  expect(faults).toEqual([]);
  line.script = () => 'stall';
  await expect(store.put('other', bytes)).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: 'STORE_UNREACHABLE' });
});

test.each([
  ['a bucket that is not there', () => `s3://nobody-made-this?endpoint=${s3.endpoint}`, 'BUCKET_NOT_FOUND'],
  ['a server that is not there', () => 's3://bucket?endpoint=http://127.0.0.1:9', 'STORE_UNREACHABLE'],
  ['a key in the URL', () => 's3://key:secret@bucket', 'STORE_URL_UNKNOWN'],
  ['a parameter that nobody knows', () => 's3://bucket?endpiont=http://127.0.0.1:9', 'STORE_URL_UNKNOWN'],
])('says what is wrong with %s', async (_, url, reason) => {
  await expect(openS3Store(url())).rejects.toMatchObject({ reason });
});

test('says that a key is refused', async () => {
  const bucket = await s3.makeBucket();
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wrong');
  onTestFinished(() => void vi.stubEnv('AWS_SECRET_ACCESS_KEY', S3_KEY.AWS_SECRET_ACCESS_KEY));
  await expect(openS3Store(bucket)).rejects.toMatchObject({ code: 'PERMISSION_DENIED', reason: 'STORE_REFUSED' });
});
