/** Files of OpenAI's dialect, through both published clients, unmodified. */
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import OpenAI, { toFile } from 'openai';
import OpenAI6 from 'openai-6';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import type { z } from 'zod';
import { deleteExpiredDatasets } from '../../src/actions/delete-expired-datasets.ts';
import type { OpenAiFile, OpenAiFileDeleted } from '../../src/contract/openai/file.ts';
import type { OpenAiModel } from '../../src/contract/openai/model.ts';
import type { OpenAiUpload, OpenAiUploadPart } from '../../src/contract/openai/upload.ts';
import { openDoor } from './door.ts';
import { type Client, openClients } from './openai-clients.ts';

const ROW = '{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"tickets","messages":[]}}\n';
const NOW = Date.parse('2026-01-05T02:00:00Z') / 1000;
const MB = 1024 * 1024;

let door: Awaited<ReturnType<typeof openDoor>>;
let wire: Awaited<ReturnType<typeof openClients>>;
beforeAll(async () => {
  door = await openDoor({ datasetBytes: 4 * MB });
  wire = await openClients(door);
});
afterAll(async () => {
  await wire.close();
  await door.close();
});

const textOf = async (client: Client, id: string) => (await client.files.content(id)).text();
const send = (client: Client, text = ROW, name = 'rows.jsonl') =>
  toFile(Buffer.from(text), name).then((file) => client.files.create({ file, purpose: 'batch' }));

describe.each([7, 6] as const)('client %i', (version) => {
  const own = () => wire.clients[version];
  const errors = version === 7 ? OpenAI : OpenAI6;

  test('a file has every field, and its content comes back', async () => {
    const file = await send(own());
    expect(file).toEqual({
      id: expect.stringMatching(/^file-[a-z][a-z0-9]{23}$/),
      object: 'file',
      bytes: ROW.length,
      created_at: NOW,
      filename: 'rows.jsonl',
      purpose: 'batch',
      status: 'processed',
    });
    expect(await own().files.retrieve(file.id)).toEqual(file);
    expect(await textOf(own(), file.id)).toBe(ROW);
    expect((await own().files.waitForProcessing(file.id)).status).toBe('processed');
  });

  test('from a path, a web stream, a generator and a reply, the same', async () => {
    const path = join(door.dir, `rows-${version}.jsonl`);
    await writeFile(path, ROW.repeat(3));
    async function* pieces() {
      for (const piece of ROW.repeat(3).match(/.{1,17}\n?/gs) ?? []) yield Buffer.from(piece);
    }
    const sources = [
      createReadStream(path),
      await toFile(ReadableStream.from(pieces()), 'a.jsonl'),
      await toFile(pieces(), 'b.jsonl'),
      new File([ROW.repeat(3)], 'c.jsonl'),
      new Response(ROW.repeat(3)),
    ];
    for (const file of sources) {
      const made = await own().files.create({ file, purpose: 'batch' });
      expect(await textOf(own(), made.id)).toBe(ROW.repeat(3));
    }
  });

  test('an expiring file says when, is gone then, and its bytes with it', async () => {
    const file = await toFile(Buffer.from(ROW), 'soon.jsonl');
    const made = await own().files.create({ file, purpose: 'user_data', expires_after: { anchor: 'created_at', seconds: 3600 } });
    expect(made).toMatchObject({ expires_at: made.created_at + 3600, purpose: 'user_data' });
    const before = await door.objectKeys();
    expect(await deleteExpiredDatasets(door.context)).toBe(0);
    door.clock.time += 3_600_000;
    try {
      await expect(own().files.retrieve(made.id)).rejects.toBeInstanceOf(errors.NotFoundError);
      expect(await deleteExpiredDatasets(door.context)).toBe(1);
      expect((await door.objectKeys()).length).toBe(before.length - 1);
    } finally {
      door.clock.time -= 3_600_000;
    }
  });

  test('a deleted file is gone', async () => {
    const { id } = await send(own());
    expect(await own().files.delete(id)).toEqual({ id, object: 'file', deleted: true });
    await expect(own().files.retrieve(id)).rejects.toBeInstanceOf(errors.NotFoundError);
    await expect(own().files.content(id)).rejects.toBeInstanceOf(errors.NotFoundError);
    await expect(own().files.delete(id)).rejects.toBeInstanceOf(errors.NotFoundError);
  });

  test('a refusal has its class, its field and the id of its request', async () => {
    const file = await toFile(Buffer.from(ROW), 'rows.jsonl');
    const refused = await own()
      .files.create({ file, purpose: 'evals' })
      .catch((cause: unknown) => cause);
    expect(refused).toBeInstanceOf(errors.BadRequestError);
    expect(refused).toMatchObject({
      status: 400,
      param: 'purpose',
      type: 'invalid_request_error',
      code: 'invalid_field',
      requestID: expect.stringMatching(/./),
    });
    const stranger = own().withOptions({ apiKey: 'bl_nobody' });
    const unknown = await stranger.files.list().catch((cause: unknown) => cause);
    expect(unknown).toBeInstanceOf(errors.AuthenticationError);
    expect(unknown).toMatchObject({ status: 401, code: 'invalid_api_key', requestID: expect.stringMatching(/./) });
  });

  test('a file that is too large is cut off in the stream, an empty one refused; neither leaves anything', async () => {
    const before = await door.objectKeys();
    const large = await send(own(), ROW.repeat(Math.ceil((5 * MB) / ROW.length))).catch((cause: unknown) => cause);
    expect(large).toMatchObject({ status: 400, code: 'dataset_too_large' });
    await expect(send(own(), '\n \n')).rejects.toMatchObject({ status: 400, code: 'dataset_empty' });
    expect(await door.objectKeys()).toEqual(before);
  });

  test('a reply that was lost is asked for again', async () => {
    const { id } = await send(own());
    let lost = 0;
    const client = own().withOptions({
      fetch: async (url, init) => {
        lost += 1;
        return lost === 1 ? new Response('', { status: 503, headers: { 'retry-after-ms': '1' } }) : fetch(url, init);
      },
    });
    expect((await client.files.retrieve(id)).id).toBe(id);
    expect(lost).toBe(2);
  });

  test('a dataset of the other dialect is a file, and a file a dataset there', async () => {
    await door.makeDataset(`plain-${version}`, ROW.repeat(2));
    const seen = await own().files.retrieve(`file-plain-${version}`);
    expect(seen).toMatchObject({ bytes: 2 * ROW.length, filename: 'in.jsonl', purpose: 'batch' });
    const { id } = await send(own());
    const { body } = await door.askJson(`/v1/accounts/acme/datasets/${id.replace('file-', '')}`);
    expect(body).toMatchObject({ state: 'READY', exampleCount: '1', displayName: 'rows.jsonl' });
  });
});

test('pages hold every file once, the newest first or the oldest, and only those of a purpose', async () => {
  const client = wire.clients[7];
  for (const file of (await client.files.list()).data) await client.files.delete(file.id);
  const ids: string[] = [];
  for (const index of Array(7).keys()) {
    door.clock.time += index % 3 === 0 ? 0 : 1000; // Some were made in the same instant.
    const file = await toFile(Buffer.from(ROW), 'x.jsonl');
    ids.push((await client.files.create({ file, purpose: index === 4 ? 'user_data' : 'batch' })).id);
  }
  const all = async (query: OpenAI.FileListParams) => {
    const listed: string[] = [];
    for await (const { id } of client.files.list(query)) listed.push(id);
    return listed;
  };
  const newest = await all({ limit: 2 });
  expect(newest.toSorted()).toEqual(ids.toSorted());
  expect(await all({ limit: 3, order: 'asc' })).toEqual(newest.toReversed());
  expect(await all({ purpose: 'user_data' })).toEqual([ids[4]]);
  expect(await all({ purpose: 'batch', limit: 1 })).toEqual(newest.filter((id) => id !== ids[4]));
  const reply = await door.ask('/v1/files?limit=2');
  expect(await reply.json()).toMatchObject({ object: 'list', has_more: true, first_id: newest[0], last_id: newest[1] });
  const bob = wire.clients[7].withOptions({ apiKey: door.keys.bob });
  expect(await (await door.ask('/v1/files', { key: door.keys.bob })).json()).toEqual({
    object: 'list',
    data: [],
    first_id: null,
    last_id: null,
    has_more: false,
  });
  await expect(bob.files.content(ids[0] ?? '')).rejects.toMatchObject({ status: 404, code: 'file_not_found' });
});

test('content comes in ranges, compressed for who asks, and a HEAD says the same without it', async () => {
  const text = ROW.repeat(500);
  const { id } = await send(wire.clients[7], text);
  const get = (headers: Record<string, string>, method = 'GET') => door.ask(`/v1/files/${id}/content`, { method, headers });
  const whole = await get({});
  const headers = ['content-length', 'etag', 'content-type', 'accept-ranges'];
  expect(headers.map((name) => whole.headers.get(name))).toEqual([
    String(text.length),
    expect.stringMatching(/^"\w+"$/),
    'application/octet-stream',
    'bytes',
  ]);
  const head = await get({}, 'HEAD');
  expect([head.status, await head.text()]).toEqual([200, '']);
  expect(headers.map((name) => head.headers.get(name))).toEqual(headers.map((name) => whole.headers.get(name)));
  const range = await get({ range: 'bytes=10-19', 'accept-encoding': 'gzip' });
  expect([range.status, range.headers.get('content-range'), await range.text()]).toEqual([
    206,
    `bytes 10-19/${text.length}`,
    text.slice(10, 20),
  ]);
  expect((await get({ range: `bytes=${text.length}-` })).status).toBe(416);
  const zipped = await get({ 'accept-encoding': 'br, gzip;q=0.5' });
  expect([zipped.headers.get('content-encoding'), zipped.headers.get('content-length')]).toEqual(['gzip', null]);
  const bytes = await zipped.arrayBuffer();
  expect(bytes.byteLength).toBeLessThan(text.length / 10);
  expect(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text()).toBe(text);
  expect((await get({ 'accept-encoding': 'gzip;q=0' })).headers.get('content-encoding')).toBeNull();
});

test('the files of a dataset are one content, whatever range of it is asked for', async () => {
  await door.makeDataset('first', 'one\n');
  const copy = { datasetId: 'pieces', filenameToSize: { 'a.jsonl': 4, 'b.jsonl': 6 } };
  await door.askJson('/v1/accounts/acme/datasets', { body: { datasetId: copy.datasetId } });
  const { body } = await door.askJson('/v1/accounts/acme/datasets/pieces:getUploadEndpoint', {
    body: { filenameToSize: copy.filenameToSize },
  });
  for (const [name, text] of [
    ['a.jsonl', 'one\n'],
    ['b.jsonl', 'two22\n'],
  ] as const) {
    const link = new URL(body.filenameToSignedUrls[name] ?? '');
    await door.ask(link.pathname + link.search, { method: 'PUT', key: null, body: text });
  }
  await door.askJson('/v1/accounts/acme/datasets/pieces:validateUpload', { body: {} });
  const range = async (first: number, last: number) =>
    (await door.ask('/v1/files/file-pieces/content', { headers: { range: `bytes=${first}-${last}` } })).text();
  const text = 'one\ntwo22\n';
  for (const first of text.split('').keys())
    for (let last = first; last < text.length; last += 1) expect(await range(first, last)).toBe(text.slice(first, last + 1));
  expect(await (await door.ask('/v1/files/file-pieces')).json()).toMatchObject({ bytes: 10, filename: 'pieces.jsonl' });
});

describe('raw forms', () => {
  const BOUNDARY = 'x-b';
  const field = (name: string, value: string) =>
    `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const FILE = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="../../etc/in\u00e4.jsonl"\r\ncontent-type: application/octet-stream\r\n\r\n${ROW}\r\n`;
  const PURPOSE = field('purpose', 'batch');
  const LIFE = field('expires_after[seconds]', '7200') + field('expires_after[anchor]', 'created_at');
  const post = (parts: readonly string[]) =>
    door.ask('/inference/v1/files', {
      body: `${parts.join('')}--${BOUNDARY}--\r\n`,
      headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
    });

  test.each([
    ['file first', [FILE, PURPOSE, LIFE]],
    ['file last', [PURPOSE, LIFE, FILE]],
    ['file in the middle', [LIFE, FILE, PURPOSE]],
    ['with fields that nobody knows', [field('x', 'y'), PURPOSE, FILE, LIFE, field('__proto__', 'z')]],
  ])('%s', async (_, parts) => {
    const reply = await post(parts);
    const body = (await reply.json()) as OpenAI.FileObject;
    expect(body).toMatchObject({ purpose: 'batch', filename: 'in\u00e4.jsonl', bytes: ROW.length });
    expect(body.expires_at).toBe(body.created_at + 7200);
  });

  test.each([
    ['no purpose', [FILE], 'purpose'],
    ['a purpose that is none', [FILE, field('purpose', 'poetry')], 'purpose'],
    ['no anchor', [PURPOSE, FILE, field('expires_after[seconds]', '7200')], 'expires_after.anchor'],
    ['too short a life', [PURPOSE, FILE, LIFE, field('expires_after[seconds]', '3599')], 'expires_after.seconds'],
    ['too long a life', [PURPOSE, FILE, LIFE, field('expires_after[seconds]', '2592001')], 'expires_after.seconds'],
    ['no whole seconds', [PURPOSE, FILE, LIFE, field('expires_after[seconds]', '1e4')], 'expires_after.seconds'],
    ['no file', [PURPOSE], 'file'],
    ['two files', [PURPOSE, FILE, FILE], 'file'],
  ])('%s is refused by the name of its field, and leaves nothing', async (_, parts, param) => {
    const before = await door.objectKeys();
    const reply = await post(parts);
    expect(reply.status).toBe(400);
    expect(await reply.json()).toMatchObject({ error: { type: 'invalid_request_error', param } });
    expect(await door.objectKeys()).toEqual(before);
  });
});

test.each(['/v1', '/openai/v1', '/inference/v1'])('%s refuses in one envelope', async (prefix) => {
  const ask = async (path: string, asked = {}) => {
    const reply = await door.ask(`${prefix}${path}`, asked);
    expect(reply.headers.get('x-request-id')).toMatch(/./);
    return { status: reply.status, ...((await reply.json()) as { error: { code: string; param: string | null } }) };
  };
  expect(await ask('/nothing')).toMatchObject({ status: 404, error: { code: 'no_such_path', type: 'invalid_request_error' } });
  expect(await ask('/files', { method: 'PATCH' })).toMatchObject({ status: 405, error: { code: 'method_not_allowed' } });
  expect(await ask('/files', { key: null })).toMatchObject({ status: 401, error: { code: 'invalid_api_key' } });
  expect(await ask('/files?limit=0')).toMatchObject({ status: 400, error: { param: 'limit' } });
  expect(await ask('/files?limit=10001')).toMatchObject({ status: 400, error: { param: 'limit' } });
  expect(await ask('/files?order=up')).toMatchObject({ status: 400, error: { param: 'order' } });
  expect(await ask('/files?after=file-nothing')).toMatchObject({ status: 404, error: { code: 'file_not_found' } });
  for (const id of ['file-', 'file-UP', 'in-01', 'file-a.errors.errors', 'file-a%00', 'batch_a'])
    expect([400, 404]).toContain((await ask(`/files/${id}`)).status);
  expect(await ask('/uploads', { body: '{' })).toMatchObject({ status: 400, error: { code: 'invalid_json' } });
});

test('what is changed is in the audit log, by the name of its dataset', async () => {
  const { id } = await send(wire.clients[7]);
  await wire.clients[7].files.delete(id);
  const { body } = await door.askJson('/v1/accounts/acme/auditLogs?pageSize=2&orderBy=timestamp%20desc');
  const name = `accounts/acme/datasets/${id.replace('file-', '')}`;
  const noted = JSON.stringify(body);
  expect(noted.split(`"${name}"`).length - 1).toBe(2);
  expect([noted.includes('createFile'), noted.includes('deleteFile')]).toEqual([true, true]);
});

/** As it is after JSON, which knows no `undefined`: absent is absent. */
type Sent<T> = T extends object ? { [Key in keyof T]: Sent<Exclude<T[Key], undefined>> } : T;

test('the compiler takes our replies for those that the clients declare', () => {
  expectTypeOf<Sent<OpenAiFile>>().toExtend<OpenAI.FileObject>();
  expectTypeOf<Sent<OpenAiFile>>().toExtend<OpenAI6.FileObject>();
  expectTypeOf<z.output<typeof OpenAiFileDeleted>>().toExtend<OpenAI.FileDeleted>();
  expectTypeOf<z.output<typeof OpenAiFileDeleted>>().toExtend<OpenAI6.FileDeleted>();
  expectTypeOf<Sent<OpenAiUpload>>().toExtend<OpenAI.Uploads.Upload>();
  expectTypeOf<Sent<OpenAiUpload>>().toExtend<OpenAI6.Uploads.Upload>();
  expectTypeOf<z.output<typeof OpenAiUploadPart>>().toExtend<OpenAI.Uploads.UploadPart>();
  expectTypeOf<z.output<typeof OpenAiUploadPart>>().toExtend<OpenAI6.Uploads.UploadPart>();
  expectTypeOf<OpenAiModel>().toExtend<OpenAI.Model>();
  expectTypeOf<OpenAiModel>().toExtend<OpenAI6.Model>();
});
