import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openStoreLine, type StoreFault, type StoreLine, type StorePlan } from '../../../src/torture/store-line.ts';
import { S3_KEY, startS3, type TestS3 } from '../../support/s3-server.ts';

let s3: TestS3;
let line: StoreLine;
let client: S3Client;
beforeAll(async () => {
  s3 = await startS3();
  line = await openStoreLine(s3.endpoint);
  const credentials = { accessKeyId: S3_KEY.AWS_ACCESS_KEY_ID, secretAccessKey: S3_KEY.AWS_SECRET_ACCESS_KEY };
  client = new S3Client({ endpoint: line.url, region: 'us-east-1', forcePathStyle: true, credentials, maxAttempts: 1 });
  await client.send(new CreateBucketCommand({ Bucket: 'line' }));
}, 180_000);
afterAll(async () => {
  client?.destroy();
  await line?.close();
  await s3?.stop();
});

const always = (fault: StoreFault, method: keyof StorePlan['faults']): StorePlan => ({
  seed: 1,
  faults: { [method]: { [fault]: 1 } },
  slowMs: 300,
});
const put = (Key: string, Body: string | Buffer) => client.send(new PutObjectCommand({ Bucket: 'line', Key, Body }));
const get = async (Key: string) =>
  await (await client.send(new GetObjectCommand({ Bucket: 'line', Key }))).Body?.transformToString();
const keys = async () => ((await client.send(new ListObjectsV2Command({ Bucket: 'line' }))).Contents ?? []).map(({ Key }) => Key);
const BODY = 'x'.repeat(3_000_000);

test('signatures made for the line hold at the store behind it', async () => {
  await put('good', BODY);
  expect(await get('good')).toBe(BODY);
  await client.send(new DeleteObjectCommand({ Bucket: 'line', Key: 'good' }));
  expect(await keys()).toEqual([]);
});

test.each([
  ['500', { name: 'InternalError' }, false],
  ['503', { name: 'SlowDown' }, false],
  ['reset', { code: expect.stringMatching(/ECONNRESET|EPIPE/) }, false],
  ['cut-request', {}, false],
  ['lost-reply', { code: expect.stringMatching(/ECONNRESET|EPIPE/) }, true],
] as const)('a PUT that meets %s fails; whether it is stored is another question', async (fault, error, isStored) => {
  onTestFinished(() => {
    line.plan = undefined;
  });
  line.plan = always(fault, 'PUT');
  await expect(put(fault, BODY)).rejects.toMatchObject(error);
  expect((await keys()).includes(fault)).toBe(isStored);
  expect(line.met.get(fault)).toBe(1);
});

test('a GET is cut in the middle of its body, begins late, or never comes', async () => {
  onTestFinished(() => {
    line.plan = undefined;
  });
  await put('body', BODY);
  line.plan = always('cut-reply', 'GET');
  await expect(get('body')).rejects.toMatchObject({ code: 'ECONNRESET' });
  line.plan = always('slow', 'GET');
  const start = performance.now();
  expect(await get('body')).toBe(BODY);
  expect(performance.now() - start).toBeGreaterThanOrEqual(299);
  line.plan = always('stall', 'GET');
  const command = new GetObjectCommand({ Bucket: 'line', Key: 'body' });
  await expect(client.send(command, { abortSignal: AbortSignal.timeout(500) })).rejects.toMatchObject({ name: 'AbortError' });
});

test('the same seed meets the same', async () => {
  const server = createServer((request: IncomingMessage, response) => {
    request.resume();
    response.end('ok');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const tell = async (seed: number) => {
    const bad = await openStoreLine(endpoint, { seed, faults: { GET: { '500': 0.3, '503': 0.2 } } });
    const statuses: number[] = [];
    for (let count = 0; count < 60; count += 1) statuses.push((await fetch(bad.url)).status);
    await bad.close();
    return statuses;
  };
  const [first, again, other] = [await tell(7), await tell(7), await tell(8)];
  server.close();
  server.closeAllConnections();
  expect(first).toEqual(again);
  expect(first).not.toEqual(other);
  expect(new Set(first)).toEqual(new Set([200, 500, 503]));
});
