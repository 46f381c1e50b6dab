/** Models that the server fetches itself, from a hub on this machine that does what hubs do: redirect, break off, lie. */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeRandomModel } from '../../models/random/make-random-model.ts';
import { MODEL_CATALOGUE } from '../../src/actions/model-catalogue.ts';
import { findModelRecord } from '../../src/db/queries/find-model-record.ts';
import { listRunnableFiles } from '../../src/db/queries/list-runnable-files.ts';
import { setPull } from '../../src/db/queries/set-pull.ts';
import { takePull } from '../../src/db/queries/take-pull.ts';
import type { Model, ModelPull } from '../../src/db/schema.ts';
import { ModelPuller } from '../../src/shelf/model-puller.ts';
import { makeFolder } from '../support/folder.ts';
import { TICKETS_MODEL } from '../support/models.ts';
import { openDoor } from './door.ts';

const MODEL = readFileSync(TICKETS_MODEL);
const SHA256 = createHash('sha256').update(MODEL).digest('hex');
const ETAG = '"v1"';
const HALF = 400_000;

type Handler = (request: IncomingMessage, reply: ServerResponse) => void;

/** A server on loopback, whose answers a test sets, and what it was asked. */
async function openHub() {
  const asked: string[] = [];
  const hub: { handle: Handler; readonly asked: string[]; url: string; close: () => void } = {
    handle: () => {},
    asked,
    url: '',
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  const server = createServer((request, reply) => {
    asked.push([request.url, request.headers.range, request.headers.authorization].filter(Boolean).join(' '));
    hub.handle(request, reply);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  hub.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return hub;
}

/** As a good hub: a redirect that names the checksum, then the file, from where it is asked for; the first time only half of it comes. */
const serveFile =
  ({ bytes = MODEL, breaksAt = MODEL.length, sha256 = SHA256 } = {}): Handler =>
  (request, reply) => {
    if (!request.url?.startsWith('/cdn')) {
      reply.writeHead(302, { location: '/cdn/file', 'x-linked-etag': `"${sha256}"` }).end();
      return;
    }
    const [, start] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
    const from = request.headers['if-range'] === ETAG && start !== undefined ? Number(start) : 0;
    const range = from === 0 ? {} : { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    reply.writeHead(from === 0 ? 200 : 206, { etag: ETAG, 'content-length': bytes.length - from, ...range });
    if (from > 0 || breaksAt >= bytes.length) reply.end(bytes.subarray(from));
    else reply.write(bytes.subarray(0, breaksAt), () => void setTimeout(() => reply.destroy(), 20));
  };

let door: Awaited<ReturnType<typeof openDoor>>;
let hub: Awaited<ReturnType<typeof openHub>>;
let puller: ModelPuller;
const openPuller = () =>
  new ModelPuller({ context: door.context, dataDir: door.dir, hubUrl: hub.url, hubToken: 'hub-key', log: { warn: () => {} } });
beforeAll(async () => {
  door = await openDoor({
    publicKeepers: ['acme'],
    quotas: { 'batch-jobs-active': 5, 'dataset-bytes': 10_000, 'model-bytes': 6_000_000 },
  });
  hub = await openHub();
  puller = openPuller();
  Object.assign(door.context, { puller });
});
afterAll(async () => {
  await puller.stop();
  hub.close();
  await door.close();
});

const MODELS = '/v1/accounts/acme/models';
// biome-ignore lint/suspicious/noExplicitAny: replies of many shapes
type Reply = { status: number; body: any };
const pull = (wish: object): Promise<Reply> => door.askJson(`${MODELS}:pull`, { body: wish });
const reasonOf = ({ body }: Reply) => body.details?.[0]?.reason;

/** How it ended. */
async function untilOver(path: string): Promise<Reply['body']> {
  for (;;) {
    const { body }: Reply = await door.askJson(path);
    if (/DONE|FAILED/.test(body.pull?.state)) return body;
    await delay(20);
  }
}

async function pulled(modelId: string, wish: object = {}): Promise<Reply['body']> {
  const begun = await pull({ source: `hf:acme/things/${modelId}.gguf`, modelId, ...wish });
  expect(begun).toMatchObject({ status: 200, body: { name: `accounts/acme/models/${modelId}` } });
  return untilOver(`${MODELS}/${modelId}`);
}

/** Of somebody in the account who is no admin. */
async function userKey(): Promise<string> {
  const path = '/v1/accounts/acme/users';
  await door.askJson(`${path}?userId=ada`, { body: { role: 'user', email: 'ada@example.test' } });
  const { body }: Reply = await door.askJson(`${path}/ada/apiKeys`, { body: { apiKey: { displayName: 'ada' } } });
  return body.key;
}

test('a file of the hub comes although it breaks off, is what the hub says, and makes a model', async () => {
  hub.handle = serveFile({ breaksAt: HALF });
  const model = await pulled('whole');
  expect(model).toMatchObject({
    ...{ state: 'READY', public: false, importedFrom: 'hf:acme/things/whole.gguf', status: { code: 'OK' } },
    pull: { state: 'DONE', bytes: String(MODEL.length), totalBytes: String(MODEL.length), message: '' },
  });
  expect(hub.asked.filter((line) => line.startsWith('/acme'))[0]).toBe('/acme/things/resolve/main/whole.gguf Bearer hub-key');
  expect(hub.asked.some((line) => /^\/cdn\/file bytes=[1-9]/.test(line))).toBe(true);
  const links = (await door.askJson(`${MODELS}/whole:getDownloadEndpoint`)).body.filenameToSignedUrls;
  const back = await door.app.request((links['whole.gguf'] ?? '').replace('http://boatload.test', ''));
  expect(Buffer.from(await back.arrayBuffer()).equals(MODEL)).toBe(true);
  // Nothing is left beside the store, and asking again fetches nothing.
  const asked = hub.asked.length;
  expect((await pulled('whole')).state).toBe('READY');
  expect(hub.asked.length).toBe(asked);
  await expect.poll(() => readdirSync(join(door.dir, 'pulls'))).toEqual([]);
});

test('what is not the file that was meant is thrown away; the next time it comes from its beginning', async () => {
  hub.handle = serveFile({ sha256: SHA256.replace(/./g, '0') });
  const failed = await pulled('meant');
  expect([failed.state, failed.status.code, failed.pull.reason]).toEqual(['UPLOADING', 'DATA_LOSS', 'CHECKSUM_MISMATCH']);
  expect(failed.pull.message).toContain(`its SHA-256 is ${SHA256}`);
  hub.handle = serveFile();
  await pull({ source: 'hf:acme/things/meant.gguf', modelId: 'meant' });
  expect(await untilOver(`${MODELS}/meant`)).toMatchObject({ state: 'READY', pull: { state: 'DONE', message: '' } });
  const other = await pulled('other', { sha256: SHA256.replace(/./g, 'a') });
  expect(other.pull.message).toContain('expected aaaa');
});

test('where a hub no longer knows of the rest, it comes from its beginning', async () => {
  hub.handle = (request, reply) => {
    if (request.headers.range === undefined) return serveFile({ breaksAt: HALF })(request, reply);
    reply.writeHead(416, { 'content-range': 'bytes */7' }).end();
    hub.handle = serveFile();
  };
  expect((await pulled('shorter')).state).toBe('READY');
  expect(hub.asked.slice(-2).filter((line) => line.includes('bytes='))).toEqual([]);
});

test("where a hub refuses the rest, what came stays for the next time, unless the hub's file is another by then", async () => {
  hub.handle = (request, reply) => {
    serveFile({ breaksAt: HALF })(request, reply);
    hub.handle = (later, answer) =>
      later.headers.range === undefined ? serveFile({ breaksAt: HALF })(later, answer) : void answer.writeHead(404).end();
  };
  expect((await pulled('kept')).pull.reason).toBe('PULL_REFUSED');
  hub.handle = (request, reply) => {
    if (!request.url?.startsWith('/cdn')) return serveFile()(request, reply);
    const [, start] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
    hub.handle = serveFile();
    const from = Number(start);
    const headers = { etag: '"v2"', 'content-range': `bytes ${from}-${MODEL.length - 1}/${MODEL.length}` };
    reply.writeHead(206, headers).end(Buffer.alloc(MODEL.length - from));
  };
  const before = hub.asked.length;
  await pull({ source: 'hf:acme/things/kept.gguf', modelId: 'kept' });
  expect((await untilOver(`${MODELS}/kept`)).state).toBe('READY');
  const [again, fromStart] = hub.asked.slice(before).filter((line) => line.startsWith('/cdn'));
  expect([again, fromStart]).toEqual([expect.stringMatching(/bytes=[1-9]/), expect.not.stringContaining('bytes=')]);
});

test.skipIf(!existsSync('/dev/full')).each<[string, (path: string) => void, string, RegExp]>([
  ['full', (path) => symlinkSync('/dev/full', path), 'DISK_FULL', /disk or its quota is full \(ENOSPC\)/],
  ['folder', (path) => void mkdirSync(path), 'STORE_NOT_WRITABLE', /but it is not \(EISDIR\)/],
])(
  "a disk that takes nothing (%s) is not told as the hub's fault, and not asked again at once",
  async (id, occupy, reason, words) => {
    const ready = Promise.withResolvers<void>();
    hub.handle = (request, reply) => void ready.promise.then(() => serveFile()(request, reply));
    const before = hub.asked.length;
    await pull({ source: `hf:acme/things/${id}.gguf` });
    await expect.poll(() => hub.asked.length, { timeout: 60_000 }).toBeGreaterThan(before);
    const model = (await findModelRecord(door.context.store.db, 'acme', id)) as Model;
    const path = join(door.dir, 'pulls', model.uid, `${id}.gguf`);
    occupy(path);
    ready.resolve();
    const failed = await untilOver(`${MODELS}/${id}`);
    expect(failed.pull).toMatchObject({ reason, message: expect.stringMatching(words) });
    expect(hub.asked.slice(before).filter((line) => line.startsWith('/cdn'))).toHaveLength(1);
    expect(lstatSync(path).isFile()).toBe(false);
  },
);

test.each<[string, Handler, RegExp]>([
  ['a page', (_, reply) => void reply.end('<html>Sign in</html>'), /sends is no GGUF model/],
  ['nothing', (_, reply) => void reply.writeHead(404).end(), /answered 404 for \/acme\/things/],
  ['a closed door', (_, reply) => void reply.writeHead(403).end(), /BOATLOAD_HUB_TOKEN/],
  ['a circle', (request, reply) => void reply.writeHead(302, { location: request.url ?? '' }).end(), /more than 5 times/],
  ['another kind of address', (_, reply) => void reply.writeHead(302, { location: 'file:///etc/passwd' }).end(), /no safe one/],
  ['too much', (_, reply) => void reply.writeHead(200, { 'content-length': 9_000_000 }).end('GGUF'), /are left for models/],
  ['endlessly much', (_, reply) => flood(reply), /are left for models/],
  ['a model that is cut off', serveFile({ bytes: MODEL.subarray(0, HALF), sha256: hashOf(MODEL.subarray(0, HALF)) }), /cut off/],
])('%s is refused in words', async (name, handle, words) => {
  hub.handle = handle;
  const id = `bad-${name.replaceAll(' ', '-')}`;
  expect((await pulled(id)).pull.message).toMatch(words);
  expect((await door.askJson(`${MODELS}/${id}`)).body).toMatchObject({ state: 'UPLOADING' });
});

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A body without an end, and without saying so. */
function flood(reply: ServerResponse): void {
  reply.writeHead(200);
  reply.write('GGUF');
  const more = (): void => {
    while (!reply.destroyed && reply.write(Buffer.alloc(1_000_000)));
    if (!reply.destroyed) reply.once('drain', more);
  };
  more();
}

test('what came of a model goes with it', async () => {
  const folders = () => readdirSync(join(door.dir, 'pulls'));
  hub.handle = serveFile({ bytes: MODEL.subarray(0, HALF), sha256: hashOf(MODEL.subarray(0, HALF)) });
  const before = folders();
  await pulled('unwanted');
  const [uid = ''] = folders().filter((name) => !before.includes(name));
  expect(existsSync(join(door.dir, 'pulls', uid, 'unwanted.gguf'))).toBe(true);
  await door.ask(`${MODELS}/unwanted`, { method: 'DELETE' });
  await puller.resume();
  expect(folders()).not.toContain(uid);
});

test('private addresses are not asked, neither at once nor by a redirect', async () => {
  const secret = await openHub();
  secret.handle = (_, reply) => void reply.end(MODEL);
  try {
    const direct = await pulled('direct', { source: `${secret.url}/a.gguf?key=private` });
    expect(direct.importedFrom).toBe(`${secret.url}/a.gguf`);
    expect(JSON.stringify(direct)).not.toContain('key=private');
    expect(direct.pull.message).toContain('is not a public address');
    hub.handle = (_, reply) => void reply.writeHead(302, { location: `${secret.url}/a.gguf` }).end();
    const sent = await pulled('sent');
    expect(sent.pull.message).toContain('is not a public address');
    expect(secret.asked).toEqual([]);
  } finally {
    secret.close();
  }
});

test('a name of the catalogue makes a model for everybody, under both names of the public account', async () => {
  hub.handle = serveFile();
  const [entry] = MODEL_CATALOGUE;
  const begun = await pull({ source: `accounts/fireworks/models/${entry?.id}` });
  expect(begun.body).toMatchObject({ name: `accounts/boatload/models/${entry?.id}`, public: true, displayName: entry?.title });
  const model = await untilOver(`/v1/accounts/fireworks/models/${entry?.id}`);
  expect(model.state).toBe('READY');
  expect(hub.asked.at(-2)).toContain(`/${entry?.repository}/resolve/main/${entry?.files[0]?.name}`);
  const { body }: Reply = await door.askJson('/v1/modelCatalogue', { key: door.keys.bob });
  expect(body.models[0]).toMatchObject({ id: entry?.id, state: 'READY' });
  expect(body.models[1].state).toBe('ABSENT');
  const path = `/v1/accounts/boatload/models/${entry?.id}`;
  expect((await door.ask(path, { method: 'DELETE', key: await userKey() })).status).toBe(403);
  expect((await door.ask(`${MODELS}/whole`, { method: 'DELETE', key: door.keys.bob })).status).toBe(403);
  expect((await door.ask(path, { method: 'DELETE' })).status).toBe(200);
});

test("an admin of another account neither pulls for everybody nor deletes what is everybody's, and has what they pull for themselves", async () => {
  hub.handle = serveFile();
  const [, entry] = MODEL_CATALOGUE;
  const [everybodys, own] = [`/v1/accounts/boatload/models/${entry?.id}`, `/v1/accounts/bob/models/${entry?.id}`];
  const asBob = async (path: string, asked: object = {}): Promise<Reply> => door.askJson(path, { ...asked, key: door.keys.bob });
  const pullAsBob = (source = '') => asBob('/v1/accounts/bob/models:pull', { body: { source } });
  const refused = await pullAsBob(`accounts/fireworks/models/${entry?.id}`);
  expect([refused.status, reasonOf(refused)]).toEqual([403, 'PUBLIC_ACCOUNT_NOT_YOURS']);
  expect((await door.askJson(everybodys)).status).toBe(404);

  expect((await pullAsBob(entry?.id)).body).toMatchObject({ name: own.slice(4), public: false });
  await expect.poll(async () => (await asBob(own)).body.pull.state, { timeout: 60_000 }).toBe('DONE');
  expect((await door.askJson(own)).status).toBe(404);
  expect((await door.askJson('/v1/modelCatalogue')).body).toMatchObject({ models: { 1: { state: 'ABSENT' } } });

  await pull({ source: entry?.id });
  await untilOver(everybodys);
  const deleted = await asBob(everybodys, { method: 'DELETE' });
  expect([deleted.status, reasonOf(deleted)]).toEqual([403, 'PUBLIC_ACCOUNT_NOT_YOURS']);
  expect((await asBob(everybodys)).body.state).toBe('READY');
  // Their own goes; what is there for everybody needs no second copy.
  expect((await asBob(own, { method: 'DELETE' })).status).toBe(200);
  expect((await pullAsBob(entry?.id)).body.name).toBe(everybodys.slice(4));
  expect((await door.ask(everybodys, { method: 'DELETE' })).status).toBe(200);
});

test('what makes no sense is refused before anything is fetched', async () => {
  const refusals: readonly (readonly [object, string])[] = [
    [{ source: 'no-such-model' }, 'UNKNOWN_SOURCE'],
    [{ source: 'ftp://example.com/a.gguf' }, 'UNKNOWN_SOURCE'],
    [{ source: 'hf:acme/../../a.gguf' }, 'UNKNOWN_SOURCE'],
    [{ source: 'https://example.com/a.zip' }, 'INVALID_SOURCE'],
    [{ source: 'https://example.com/a%00.gguf' }, 'INVALID_SOURCE'],
    [{ source: 'https://example.com/a%2F..%2Fb.gguf' }, 'INVALID_SOURCE'],
    [{ source: 'https://example.com/%C3.gguf', modelId: 'whole' }, 'MODEL_EXISTS'],
    [{ source: 'qwen3-4b', precisions: ['FP8'] }, 'PRECISION_NOT_OFFERED'],
    [{ source: 'qwen3-4b', modelId: 'mine' }, 'CATALOGUE_NAME_FIXED'],
    [{ source: 'hf:acme/things/b.gguf', sha256: 'short' }, 'INVALID_SOURCE'],
    [{ source: 'hf:acme/things/b.gguf', modelId: 'whole' }, 'MODEL_EXISTS'],
  ];
  for (const [wish, reason] of refusals) expect([wish, reasonOf(await pull(wish))]).toEqual([wish, reason]);
  const refused = await door.ask(`${MODELS}:pull`, { body: { source: 'qwen3-4b' }, key: await userKey() });
  expect(refused.status).toBe(403);
});

test('pulled in a further precision a model gets it beside what it has, and jobs that name none stay with what they had', async () => {
  const entry = MODEL_CATALOGUE.find(({ id }) => id === 'qwen3-4b');
  const path = '/v1/accounts/boatload/models/qwen3-4b';
  const larger = join(await makeFolder(), 'f16.gguf');
  makeRandomModel(larger, {
    type: 'f16',
    shape: { dimension: 256, layers: 1, heads: 2, keyValueHeads: 1, feedForward: 1024, contextLength: 512 },
  });
  const bytes = readFileSync(larger);
  expect(bytes.length).toBeGreaterThan(MODEL.length);
  const precisions = async () =>
    (await listRunnableFiles(door.context.store.db)).flatMap(({ id, precision }) => (id === 'qwen3-4b' ? precision : []));
  hub.handle = serveFile();
  await pull({ source: 'qwen3-4b' });
  await untilOver(path);
  expect(await precisions()).toEqual(['Q8_0']);

  hub.handle = (_, reply) => void reply.writeHead(404).end();
  expect((await pull({ source: 'qwen3-4b', precisions: ['Q8_0'] })).body).toMatchObject({
    state: 'READY',
    pull: { state: 'PULLING' },
  });
  expect(await untilOver(path)).toMatchObject({
    state: 'READY',
    status: { code: 'FAILED_PRECONDITION' },
    pull: { reason: 'PULL_REFUSED' },
  });
  expect(await precisions()).toEqual(['Q8_0']);

  hub.handle = serveFile({ bytes, breaksAt: bytes.length, sha256: hashOf(bytes) });
  const before = hub.asked.length;
  await pull({ source: 'qwen3-4b', precisions: ['Q8_0'] });
  expect(await untilOver(path)).toMatchObject({ state: 'READY', status: { code: 'OK' }, pull: { state: 'DONE', reason: '' } });
  expect(await precisions()).toEqual(['Q8_0', 'FP16']);
  const asked = hub.asked.slice(before).filter((line) => !line.startsWith('/cdn'));
  expect(asked).toEqual([expect.stringContaining(`/${entry?.files[1]?.name}`)]);
  // What is there is not fetched again.
  await pull({ source: 'qwen3-4b', precisions: ['Q4_K_M', 'Q8_0'] });
  expect((await door.askJson(path)).body).toMatchObject({ pull: { state: 'DONE' } });
  expect(hub.asked.slice(before).filter((line) => !line.startsWith('/cdn'))).toHaveLength(1);
});

test('of two servers one fetches a model while the other tells how it goes, and one that died loses it after a while', async () => {
  const dir = await makeFolder();
  const other = new ModelPuller({ context: door.context, dataDir: dir, hubUrl: hub.url, log: { warn: () => {} } });
  const { promise: half, resolve: onHalf } = Promise.withResolvers<() => void>();
  hub.handle = (request, reply) => {
    if (!request.url?.startsWith('/cdn')) return serveFile()(request, reply);
    reply.writeHead(200, { etag: ETAG, 'content-length': MODEL.length });
    return void reply.write(MODEL.subarray(0, HALF), () => onHalf(() => void reply.end(MODEL.subarray(HALF))));
  };
  const before = hub.asked.length;
  await pull({ source: 'hf:acme/things/shared.gguf' });
  const goOn = await half;
  const model = (await findModelRecord(door.context.store.db, 'acme', 'shared')) as Model;
  other.start(model);
  // It has asked for this one before it stops, and did not get it.
  await expect.poll(() => existsSync(join(dir, 'puller'))).toBe(true);
  await other.stop();
  const held = await findModelRecord(door.context.store.db, 'acme', 'shared');
  expect(held?.pull?.holder).toBe(readFileSync(join(door.dir, 'puller'), 'utf8'));
  expect(hub.asked.slice(before).filter((line) => line.startsWith('/cdn'))).toHaveLength(1);
  expect(readdirSync(dir)).not.toContain('pulls');
  goOn();
  expect((await untilOver(`${MODELS}/shared`)).pull).toMatchObject({ state: 'DONE', bytes: String(MODEL.length) });

  const { uid, pull: done } = (await findModelRecord(door.context.store.db, 'acme', 'shared')) as Model;
  const take = (holder: string, seconds: number) => {
    const now = new Date(door.clock.time + seconds * 1000);
    return takePull(door.context.store.db, { uid, holder, now, heldUntil: new Date(now.getTime() + 60_000) });
  };
  expect(await take('late', 0)).toBeUndefined();
  const { holder: _, heldUntil: __, ...open } = done as ModelPull;
  await setPull(door.context.store.db, uid, { ...open, state: 'PULLING' });
  expect((await Promise.all([take('one', 0), take('two', 0)])).filter(Boolean)).toHaveLength(1);
  expect(await take('three', 59)).toBeUndefined();
  expect((await take('three', 60))?.pull?.holder).toBe('three');
  expect(await setPull(door.context.store.db, uid, { ...open, holder: 'one', state: 'DONE' })).toBe(false);
  expect(await setPull(door.context.store.db, uid, { ...open, holder: 'three', state: 'DONE' })).toBe(true);
});

test('a server that ends meanwhile goes on where it was', async () => {
  const half = Promise.withResolvers<void>();
  hub.handle = (request, reply) => {
    if (!request.url?.startsWith('/cdn')) return serveFile()(request, reply);
    reply.writeHead(200, { etag: ETAG, 'content-length': MODEL.length });
    return void reply.write(MODEL.subarray(0, HALF), () => half.resolve());
  };
  await pull({ source: 'hf:acme/things/later.gguf' });
  await half.promise;
  for (;;) {
    const { body }: Reply = await door.askJson(`${MODELS}/later`);
    if (Number(body.pull.bytes) > 0) break;
    await delay(20);
  }
  await puller.stop();
  expect((await door.askJson(`${MODELS}/later`)).body).toMatchObject({ state: 'UPLOADING', pull: { state: 'PULLING' } });
  hub.handle = serveFile();
  const before = hub.asked.length;
  puller = openPuller();
  Object.assign(door.context, { puller });
  await puller.resume();
  expect((await untilOver(`${MODELS}/later`)).state).toBe('READY');
  expect(hub.asked.slice(before).some((line) => /bytes=[1-9]/.test(line))).toBe(true);
});
