/** Streams that don't go well, over real sockets: readers that leave or are slow, engines that die or are full. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { openEmbeddedEngine } from '../../src/engines/embedded/open-embedded.ts';
import { openUpstream } from '../../src/engines/upstream.ts';
import { startHttpEngine } from '../support/http-engine.ts';
import { TICKETS_MODEL } from '../support/models.ts';
import { type LiveModel, openLiveDoor } from './live-door.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

const CHAT = '/v1/chat/completions';
const asking = (others: object = {}) => ({ model: 'm', messages: [{ role: 'user' as const, content: 'hello' }], ...others });
const STREAM = { stream: true } as const;

async function openDoorTo(model: LiveModel) {
  const door = await openLiveDoor({ m: model });
  open.push(() => door.close());
  const pool = door.pools['m'];
  if (pool === undefined) throw new Error('There is no pool.');
  const inFlight = () => pool.status()[0]?.inFlight;
  const untilIdle = () => expect.poll(inFlight, { timeout: 30_000 }).toBe(0);
  return { ...door, pool, inFlight, untilIdle };
}

type EngineClocks = NonNullable<Parameters<typeof openUpstream>[0]['clocks']>;

/** An engine whose streams a test holds in its hands. */
async function openHandEngine(clocks: EngineClocks = {}) {
  const asked: { readonly response: ServerResponse; readonly gone: Promise<unknown> }[] = [];
  const server = createServer((request, response) => {
    request.resume();
    asked.push({ response, gone: once(response, 'close') });
    server.emit('asked');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const engine = openUpstream({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, clocks });
  const next = async () => {
    if (asked.length === 0) await once(server, 'asked');
    const [first] = asked.splice(0, 1);
    if (first === undefined) throw new Error('Nobody asked.');
    return first;
  };
  return { engine, next };
}

const EVENT_STREAM = { 'content-type': 'text/event-stream' };
const delta = (content: string) =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 0, model: 'm', choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;

test.each(['openai 7', 'openai 6'] as const)(
  'each word comes as it is said; who leaves in the middle frees the place (%s)',
  async (version) => {
    const { engine, next } = await openHandEngine();
    const { clients, inFlight, untilIdle } = await openDoorTo({ engine });
    const asked = clients[version].chat.completions.create({ ...asking(), ...STREAM });
    const { response, gone } = await next();
    response.writeHead(200, EVENT_STREAM);
    response.write(delta('one'));
    const words: (string | null | undefined)[] = [];
    for await (const { choices } of await asked) {
      words.push(choices[0]?.delta.content);
      if (words.length === 3) break;
      // Only what was said before was heard.
      response.write(delta(`word ${words.length}`));
      expect(inFlight()).toBe(1);
    }
    expect(words).toEqual(['one', 'word 1', 'word 2']);
    await gone;
    await untilIdle();
  },
);

test('who leaves while the engine still thinks frees the place too', async () => {
  const { engine, next } = await openHandEngine();
  const { clients, untilIdle } = await openDoorTo({ engine });
  for (const stream of [true, false]) {
    const leave = new AbortController();
    const asked = clients['openai 7'].chat.completions.create({ ...asking(), stream }, { signal: leave.signal });
    const { gone } = await next();
    leave.abort();
    await expect(asked).rejects.toThrow('aborted');
    await gone;
    await untilIdle();
  }
});

test('who leaves while waiting for a place leaves the line', async () => {
  const { engine, next } = await openHandEngine();
  const { post, pool, inFlight, untilIdle } = await openDoorTo({ engine, pool: { limit: 1 } });
  const first = post(CHAT, asking());
  const { response } = await next();
  const leave = new AbortController();
  const second = post(CHAT, asking(), { signal: leave.signal });
  const { limit } = pool.liveRoom();
  await expect.poll(() => pool.liveRoom().remaining).toBe(limit - 2);
  leave.abort();
  await expect(second).rejects.toThrow();
  await expect.poll(() => pool.liveRoom().remaining).toBe(limit - 1);
  expect(inFlight()).toBe(1);
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"choices":[]}');
  expect((await first).status).toBe(200);
  await untilIdle();
});

test.each(['openai 7', 'openai 6'] as const)(
  'an engine that dies in the middle ends the stream with an error that the client throws (%s)',
  async (version) => {
    const { engine, next } = await openHandEngine();
    const { clients, untilIdle } = await openDoorTo({ engine });
    const asked = clients[version].chat.completions.create({ ...asking(), ...STREAM });
    const { response } = await next();
    response.writeHead(200, EVENT_STREAM);
    response.write(delta('one'));
    const words: (string | null | undefined)[] = [];
    const read = async () => {
      for await (const { choices } of await asked) {
        words.push(choices[0]?.delta.content);
        response.socket?.resetAndDestroy();
      }
    };
    await expect(read()).rejects.toMatchObject({
      code: 'engine_failed',
      type: 'server_error',
      message: expect.stringContaining('in the middle'),
    });
    expect(words).toEqual(['one']);
    await untilIdle();
  },
);

test('the embedded engine, killed in the middle of a stream, ends it with an error, comes back and answers again', async () => {
  const log: Record<string, unknown>[] = [];
  const note = (facts: Record<string, unknown>) => void log.push(facts);
  const engine = await openEmbeddedEngine({
    modelPath: TICKETS_MODEL,
    modelId: 'm',
    slots: 1,
    threads: 1,
    log: { debug: note, info: note, warn: note, error: note } as never,
  });
  const { post, clients, untilIdle } = await openDoorTo({ engine });
  const long = asking({ max_tokens: 400, ignore_eos: true, temperature: 1 });
  const reply = await post(CHAT, { ...long, ...STREAM });
  const reader = (reply.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  process.kill(Number(log.find(({ pid }) => pid)?.['pid']), 'SIGKILL');
  let rest = '';
  for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read())
    rest += Buffer.from(value ?? []).toString();
  expect(JSON.parse(rest.trimEnd().split('\n\n').at(-1)?.slice('data: '.length) ?? '')).toMatchObject({
    error: { code: 'engine_failed' },
  });
  await untilIdle();
  const again = () =>
    clients['openai 7'].chat.completions.create(asking({ max_tokens: 4 })).then(
      ({ object }) => object,
      () => undefined,
    );
  await expect.poll(again, { timeout: 60_000, interval: 200 }).toBe('chat.completion');
});

test('what fails before the first word is tried again, streamed and not', async () => {
  const faults = ['reset', { status: 500 }] as const;
  const server = await startHttpEngine({ script: ({ attempt }) => faults[attempt - 1] });
  open.push(() => server.close());
  const { post } = await openDoorTo({ engine: openUpstream({ baseUrl: server.url }) });
  for (const [at, stream] of [true, false].entries()) {
    const reply = await post(CHAT, asking({ stream, messages: [{ role: 'user', content: `[[${at}]]` }] }));
    expect([reply.status, server.calls.get(`${at}`)]).toEqual([200, { asked: 3, answered: 1 }]);
    expect(await reply.text()).toContain(`${at}`);
  }
});

test('an error in place of the first event is a refusal with a status', async () => {
  const { engine, next } = await openHandEngine();
  const { post } = await openDoorTo({ engine });
  const asked = post(CHAT, asking(STREAM));
  const { response } = await next();
  const error = { message: 'The prompt is too long.', code: 400, type: 'BadRequestError', param: null };
  response.writeHead(200, EVENT_STREAM).end(`data: ${JSON.stringify({ error })}\n\ndata: [DONE]\n\n`);
  const reply = await asked;
  expect([reply.status, await reply.json()]).toEqual([400, { error: { ...error, code: '400' } }]);
});

test('an engine that is busy, slow, or gone is told apart', async () => {
  const engines = {
    busy: { fault: { status: 429, headers: { 'retry-after': '7' } }, status: 429, code: 'engine_busy', retryAfter: '7' },
    broken: { fault: { status: 500 }, status: 503, code: 'engine_failed', retryAfter: '1' },
    slow: { fault: 'hang', status: 504, code: 'engine_too_slow', retryAfter: null },
    secret: { fault: { status: 401, body: 'key sk-secret is unknown' }, status: 503, code: 'no_engine_answers', retryAfter: '1' },
  } as const;
  for (const { fault, status, code, retryAfter } of Object.values(engines)) {
    const server = await startHttpEngine({ script: () => fault });
    open.push(() => server.close());
    const { post } = await openDoorTo({ engine: openUpstream({ baseUrl: server.url, clocks: { firstByteMs: 200 } }) });
    const reply = await post(CHAT, asking());
    const text = await reply.text();
    expect([reply.status, JSON.parse(text).error.code]).toEqual([status, code]);
    expect(reply.headers.get('retry-after')).toBe(retryAfter);
    expect(text).not.toContain('sk-secret');
  }
});

test('an engine that refuses our key is not quoted to who asks again, either', async () => {
  const server = await startHttpEngine({ script: () => ({ status: 401, body: 'key sk-secret is unknown' }) });
  open.push(() => server.close());
  const { post } = await openDoorTo({
    engine: openUpstream({ baseUrl: server.url }),
    pool: { trialMs: { first: 60_000, most: 60_000 } },
  });
  for (const asked of [1, 2]) {
    const text = await (await post(CHAT, asking())).text();
    expect([asked, JSON.parse(text).error.code]).toEqual([asked, 'no_engine_answers']);
    expect(text).not.toMatch(/sk-secret|127\.0\.0\.1/);
  }
  expect(server.stats.requests).toBe(1);
});

test('over the limit of the line there is a 429 that says when to come again, and the client comes', async () => {
  const { engine, next } = await openHandEngine();
  const { post, pool, clients, untilIdle } = await openDoorTo({ engine, pool: { limit: 1, liveWaiting: 1 } });
  const first = post(CHAT, asking());
  const { response } = await next();
  const second = post(CHAT, asking());
  await expect.poll(() => pool.liveRoom().remaining).toBe(0);
  const refused = await post(CHAT, asking());
  expect([refused.status, refused.headers.get('retry-after'), refused.headers.get('x-ratelimit-over-limit')]).toEqual([
    429,
    '1',
    'yes',
  ]);
  const patient = clients['openai 7'].withOptions({ maxRetries: 5 }).chat.completions.create(asking());
  const answer = ({ response }: { readonly response: ServerResponse }) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"choices":[]}');
  answer({ response });
  answer(await next());
  answer(await next());
  expect([(await first).status, (await second).status, (await patient).choices]).toEqual([200, 200, []]);
  await untilIdle();
});

test('a reader that never reads on loses the place that others wait for, and the engine is not blamed', async () => {
  const { engine, next } = await openHandEngine({ idleMs: 500 });
  const { origin, keys, pool, untilIdle } = await openDoorTo({ engine });
  const body = JSON.stringify(asking(STREAM));
  const socket = connect(Number(new URL(origin).port), '127.0.0.1');
  open.push(() => socket.destroy());
  socket.pause();
  socket.write(
    `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${keys.acme}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  const { response, gone } = await next();
  response.writeHead(200, EVENT_STREAM);
  const event = delta('x'.repeat(64 * 1024));
  const speak = (): void => {
    while (!response.destroyed && response.write(event));
  };
  response.on('drain', speak);
  speak();
  await gone;
  await untilIdle();
  expect(pool.status()[0]?.state).toBe('ready');
});

test('what requests of an account hold in memory has an end, and another account is not refused for it', async () => {
  const { engine, next } = await openHandEngine();
  const { origin, keys, post } = await openDoorTo({ engine });
  /** All that may be held, but for a KiB: four requests that never end, without a word about their length. */
  const MOST = 32 * 2 ** 20;
  const sockets = [MOST, MOST, MOST, MOST - 1024].map((bytes) => {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1');
    const head = `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${keys.acme}\r\ntransfer-encoding: chunked`;
    socket.write(`${head}\r\n\r\n${bytes.toString(16)}\r\n`);
    socket.write(Buffer.alloc(bytes, 'x'));
    return socket;
  });
  open.push(() => sockets.map((socket) => socket.destroy()));
  const asked = (characters: number, model = 'm') =>
    asking({ model, messages: [{ role: 'user', content: 'x'.repeat(characters) }] });
  // An unknown model is refused after the body was read.
  const askLarge = (key: string) => post(CHAT, asked(2_000, 'none'), { headers: { authorization: `Bearer ${key}` } });
  await expect.poll(async () => (await askLarge(keys.acme)).status, { timeout: 30_000 }).toBe(429);
  const refused = await askLarge(keys.acme);
  expect([await refused.json(), refused.headers.get('retry-after')]).toMatchObject([
    { error: { code: 'live_memory_full' } },
    '1',
  ]);
  expect((await askLarge(keys.bob)).status).toBe(404);
  // What still fits is answered, and then holds nothing any more.
  for (let turn = 0; turn < 5; turn++) {
    const fitting = post(CHAT, asked(300));
    (await next()).response.writeHead(200, { 'content-type': 'application/json' }).end('{"choices":[]}');
    expect((await fitting).status).toBe(200);
  }
  for (const socket of sockets) socket.destroy();
  await expect.poll(async () => (await askLarge(keys.acme)).status, { timeout: 30_000 }).toBe(404);
});

test('a reader that does not read holds the engine back, and no memory', async () => {
  const { engine, next } = await openHandEngine();
  const { origin, keys, untilIdle } = await openDoorTo({ engine });
  const body = JSON.stringify(asking(STREAM));
  const socket = connect(Number(new URL(origin).port), '127.0.0.1');
  socket.write(
    `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${keys.acme}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  const { response } = await next();
  response.writeHead(200, EVENT_STREAM);
  response.write(delta('begin'));
  await once(socket, 'readable');
  const event = delta('x'.repeat(64 * 1024));
  const most = 48 * 2 ** 20;
  /** As long as the same process takes to answer others many times: what has not drained by then is held back. */
  const aWhile = async () => {
    for (let turn = 0; turn < 30; turn++) await (await fetch(`${origin}/v1/nothing`)).text();
    return false;
  };
  let written = 0;
  for (let flows = true; flows && written < most; written += event.length)
    flows = response.write(event) || (await Promise.race([once(response, 'drain').then(() => true), aWhile()]));
  expect(written).toBeLessThan(most);
  // It goes on where it was as soon as somebody reads.
  response.end('data: [DONE]\n\n');
  let received = 0;
  let end = '';
  for await (const piece of socket) {
    received += piece.length;
    end = (end + piece.toString('latin1')).slice(-64);
    if (end.includes('[DONE]')) break;
  }
  expect(received).toBeGreaterThan(written);
  await untilIdle();
});
