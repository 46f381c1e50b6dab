/** Uploads over a real socket: what a client does that doesn't stop, that goes away, or that sends a lot. */
import { fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { serve } from '@hono/node-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeApp } from '../../src/api/app.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { openDoor } from './door.ts';

const MB = 1024 * 1024;
const LIMIT = 4 * MB;
const ROWS = Buffer.from('{"custom_id":"a","body":{}}\n'.repeat(2340)); // 64 kB
const HEAD = '--b\r\ncontent-disposition: form-data; name="file"; filename="in.jsonl"\r\n\r\n';
const TAIL = '\r\n--b--\r\n';

let door: Awaited<ReturnType<typeof openDoor>>;
let server: Server;
let port: number;
beforeAll(async () => {
  door = await openDoor({ datasetBytes: LIMIT });
  server = serve({
    fetch: makeApp({ ...door.context, objects: watched(door.context.objects) }).fetch,
    port: 0,
    hostname: '127.0.0.1',
  }) as Server; // Plain HTTP by default.
  if (!server.listening) await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await door.close();
});

const openUpload = (to: { port: number; key: string }, id: string) =>
  request({
    host: '127.0.0.1',
    port: to.port,
    method: 'POST',
    path: `/v1/accounts/acme/datasets/${id}:upload`,
    headers: { authorization: `Bearer ${to.key}`, 'content-type': 'multipart/form-data; boundary=b' },
  });
const here = () => ({ port, key: door.keys.acme });

/** Tells when a put begins and when it has ended, well or not. */
const puts = new EventEmitter();
const watched = (objects: ObjectStore): ObjectStore => ({
  put: (key, bytes) => objects.put(key, bytes),
  putStream: async (key, body) => {
    puts.emit('begun');
    return objects.putStream(key, body).finally(() => puts.emit('ended'));
  },
  get: (key, range) => objects.get(key, range),
  read: (key, range) => objects.read(key, range),
  head: (key) => objects.head(key),
  list: (prefix) => objects.list(prefix),
  delete: (keys) => objects.delete(keys),
});

test('a client that never stops is answered when the limit is reached, and cut off', async () => {
  await door.askJson('/v1/accounts/acme/datasets', { body: { datasetId: 'endless' } });
  const upload = openUpload(here(), 'endless');
  const replied = once(upload, 'response') as Promise<[IncomingMessage]>;
  const closed = new Promise((resolve) => upload.once('close', resolve));
  const state = { sent: 0, closed: false };
  upload.on('error', () => {}); // The cut-off.
  upload.on('close', () => {
    state.closed = true;
  });
  upload.write(HEAD);
  const pump = (async () => {
    while (!state.closed) {
      state.sent += ROWS.length;
      if (!upload.write(ROWS)) await Promise.race([once(upload, 'drain').catch(() => {}), closed]);
      await new Promise(setImmediate);
    }
  })();
  const [reply] = await replied;
  expect(reply.statusCode).toBe(400);
  expect(JSON.parse(await text(reply))).toMatchObject({
    code: 3,
    details: [{ reason: 'DATASET_TOO_LARGE', metadata: { limitBytes: String(LIMIT) } }],
  });
  await closed;
  await pump;
  expect(state.sent).toBeLessThan(300 * MB);
  expect(await door.objectKeys()).toEqual([]);
  expect((await door.askJson('/v1/accounts/acme/datasets/endless')).body).toMatchObject({ state: 'UPLOADING' });
});

test('a client that goes away leaves nothing behind, and may try again', async () => {
  await door.askJson('/v1/accounts/acme/datasets', { body: { datasetId: 'gone' } });
  const upload = openUpload(here(), 'gone');
  upload.on('error', () => {});
  const [begun, ended] = [once(puts, 'begun'), once(puts, 'ended')];
  upload.write(HEAD);
  upload.write(ROWS);
  await begun;
  upload.destroy();
  await ended;
  expect(await door.objectKeys()).toEqual([]);
  const again = openUpload(here(), 'gone');
  again.end(HEAD + ROWS.toString() + TAIL);
  const [reply] = (await once(again, 'response')) as [IncomingMessage];
  expect(reply.statusCode).toBe(200);
});

test('400 MB go through without growing the server with them', async () => {
  const child = fork(new URL('./door-process.ts', import.meta.url), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  try {
    const [at] = (await once(child, 'message')) as [{ port: number; key: string }];
    const base = `http://127.0.0.1:${at.port}/v1/accounts/acme/datasets`;
    const headers = { authorization: `Bearer ${at.key}` };
    const peak = async () => {
      child.send('peak');
      const [{ peakBytes }] = (await once(child, 'message')) as [{ peakBytes: number }];
      return peakBytes;
    };
    const send = async (datasetId: string, bytes: number): Promise<number> => {
      await fetch(base, { method: 'POST', headers, body: JSON.stringify({ datasetId }) });
      await peak();
      const upload = openUpload(at, datasetId);
      upload.write(HEAD);
      const chunks = Math.ceil(bytes / ROWS.length);
      for (let sent = 0; sent < chunks; sent += 1) if (!upload.write(ROWS)) await once(upload, 'drain');
      upload.end(TAIL);
      const [reply] = (await once(upload, 'response')) as [IncomingMessage];
      expect(JSON.parse(await text(reply))).toMatchObject({ bytes: chunks * ROWS.length });
      const dataset = await fetch(`${base}/${datasetId}`, { headers });
      expect(await dataset.json()).toMatchObject({ state: 'READY', exampleCount: String(chunks * 2340) });
      return peak();
    };
    // What the first upload takes, whatever its size, is up to 500 MB on a busy machine: compiled code, and garbage that is not collected yet.
    const before = await send('small', 50 * MB);
    const after = await send('big', 450 * MB);
    // A file that is kept would be all of its 400 MB more; garbage was up to 180.
    expect(after - before).toBeLessThan(360 * MB);
  } finally {
    child.disconnect();
    await once(child, 'exit');
  }
});
