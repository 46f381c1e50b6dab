import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { classifyReply } from '../../src/engines/classify-failure.ts';
import type { Engine, EngineReply, EngineStream } from '../../src/engines/engine.ts';
import { openUpstream, type UpstreamOptions } from '../../src/engines/upstream.ts';
import { engineConformance } from '../conformance/engine.ts';
import { type HttpEngineOptions, startHttpEngine } from '../support/http-engine.ts';

const open: (() => Promise<unknown>)[] = [];
afterEach(() => Promise.all(open.splice(0).map((close) => close())));

const NEVER = new AbortController().signal;
const row = (content: string) => ({
  path: '/v1/chat/completions',
  body: [Buffer.from(JSON.stringify({ messages: [{ role: 'user', content }] }))],
});
const textOf = (reply: EngineReply) =>
  reply.kind === 'answer' ? JSON.parse(reply.body.toString()).choices[0].message.content : reply.cause;

async function start(options: HttpEngineOptions = {}, upstream: Omit<UpstreamOptions, 'baseUrl'> = {}) {
  const server = await startHttpEngine(options);
  const engine = openUpstream({ baseUrl: server.url, ...upstream });
  open.push(
    () => engine.close(),
    () => server.close(),
  );
  return { server, engine };
}

/** A server that does exactly what a test says. */
async function serve(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(async () => server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const upstream = (options: Partial<UpstreamOptions> = {}) => {
    const engine = openUpstream({ baseUrl: origin, ...options });
    open.push(() => engine.close());
    return engine;
  };
  return { origin, upstream, server };
}

/** A TCP server whose connections a test holds in its hands. */
async function serveTcp(onConnection: (socket: Socket) => void) {
  const server = createTcpServer(onConnection).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(async () => server.close());
  return (server.address() as AddressInfo).port;
}

const json =
  (value: unknown, status = 200): RequestListener =>
  (request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };

engineConformance(async () => {
  const { engine } = await start({ latency: [1, 20] });
  return { engine, model: 'test-model' };
});

test('keeps the bytes of an answer, and gives lower-case headers', async () => {
  const bytes = Buffer.from('{ "b":1,\r\n  "a" : "\\u00e9é",  "a":2 }\n');
  const { upstream } = await serve((request, response) => {
    request.resume();
    response.writeHead(201, { 'X-Request-ID': 'r1', 'set-cookie': ['a=1', 'b=2'] });
    for (const byte of bytes) response.write(Buffer.of(byte));
    response.end();
  });
  const reply = await upstream().answer(row('x'), NEVER);
  expect(reply).toMatchObject({ kind: 'answer', status: 201, headers: { 'x-request-id': 'r1', 'set-cookie': 'a=1, b=2' } });
  expect(reply.kind === 'answer' && reply.body.equals(bytes)).toBe(true);
});

test('sends the body as it is, with its length, as JSON, with the key', async () => {
  const { upstream } = await serve(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    response.end(JSON.stringify({ url: request.url, headers: request.headers, body: Buffer.concat(pieces).toString('latin1') }));
  });
  const body = [Buffer.from('{"a":'), Buffer.from([0xc3, 0xa9]), Buffer.from(' }')];
  const reply = await upstream({ apiKey: ' key-1\n' }).answer({ path: '/v1/embeddings', body }, NEVER);
  expect(reply.kind === 'answer' && JSON.parse(reply.body.toString())).toMatchObject({
    url: '/v1/embeddings',
    headers: { authorization: 'Bearer key-1', 'content-type': 'application/json', 'content-length': '9' },
    body: '{"a":\u00c3\u00a9 }',
  });
});

test.each([
  ['', '/v1/completions', '/v1'],
  ['/', '/v1/completions', '/v1'],
  ['/v1', '/v1/completions', '/v1'],
  ['/v1/', '/v1/completions', '/v1'],
  ['/inference/v1', '/inference/v1/completions', '/inference/v1'],
  ['/inference', '/inference/v1/completions', '/inference/v1'],
  ['/v1beta/openai/', '/v1beta/openai/completions', '/v1beta/openai'],
  ['/api/paas/v4', '/api/paas/v4/completions', '/api/paas/v4'],
  ['/v1?version=2', '/v1/completions?version=2', '/v1'],
])('reads the base URL with the path "%s"', async (path, expected, name) => {
  const { origin, upstream } = await serve((request, response) => response.end(request.url));
  const engine = upstream({ baseUrl: origin + path });
  const reply = await engine.answer({ path: '/v1/completions', body: [] }, NEVER);
  expect(reply.kind === 'answer' && reply.body.toString()).toBe(expected);
  expect(engine.name).toBe(origin + name);
});

test('sends the credentials of a URL and never shows them', async () => {
  const { origin, upstream } = await serve((request, response) => response.writeHead(500).end(request.headers.authorization));
  const engine = upstream({ baseUrl: origin.replace('//', '//me:s%40cret@') });
  const reply = await engine.answer(row('x'), NEVER);
  expect(reply.kind === 'answer' && reply.body.toString()).toBe(`Basic ${Buffer.from('me:s@cret').toString('base64')}`);
  await expect(engine.models()).rejects.toThrow(/^(?!.*cret).*HTTP 500/);
  expect(engine.name).not.toContain('cret');
});

test.each(['not a url', 'ftp://host/v1', ''])('refuses the base URL "%s"', (baseUrl) => {
  expect(() => openUpstream({ baseUrl })).toThrow(expect.objectContaining({ reason: 'ENGINE_URL_INVALID' }));
});

test('the first-byte clock ends a request that gets no answer, and closes its connection', async () => {
  const { server, engine } = await start({ script: () => 'hang' }, { clocks: { firstByteMs: 50 } });
  expect(await engine.answer(row('x'), NEVER)).toMatchObject({ kind: 'silence', cause: 'first-byte-timeout' });
  await server.until(() => server.stats.hungUp === 1);
});

test('the idle clock ends an answer that stops in the middle', async () => {
  const { server, engine } = await start({ script: () => 'stall' }, { clocks: { idleMs: 50 } });
  expect(await engine.answer(row('x'), NEVER)).toMatchObject({ kind: 'silence', cause: 'idle-timeout' });
  await server.until(() => server.stats.hungUp === 1);
});

test('the idle clock begins anew with each piece, the total clock does not', async () => {
  const drip: RequestListener = (request, response) => {
    request.resume();
    const timer = setInterval(() => response.write(' '), 20);
    response.once('close', () => clearInterval(timer));
  };
  const { upstream } = await serve(drip);
  const began = performance.now();
  const reply = await upstream({ clocks: { idleMs: 200, totalMs: 500 } }).answer(row('x'), NEVER);
  expect(reply).toMatchObject({ kind: 'silence', cause: 'total-timeout' });
  expect(performance.now() - began).toBeGreaterThan(450);
});

test('the connect clock ends a handshake that nobody answers', async () => {
  const port = await serveTcp((socket) => void open.push(async () => socket.destroy()));
  const engine = openUpstream({ baseUrl: `https://127.0.0.1:${port}`, clocks: { connectMs: 50 } });
  open.push(() => engine.close());
  expect(await engine.answer(row('x'), NEVER)).toMatchObject({ kind: 'silence', cause: 'connect-timeout' });
});

test.each([
  ['cut', 'cut-off'],
  ['reset', 'cut-off'],
] as const)('a %s is silence: %s', async (fault, cause) => {
  const { engine } = await start({ script: () => fault });
  expect(await engine.answer(row('x'), NEVER)).toMatchObject({ kind: 'silence', cause });
});

test('nobody there is silence too, and says so', async () => {
  const { server, engine } = await start();
  await server.close();
  const reply = await engine.answer(row('x'), NEVER);
  expect(reply).toMatchObject({ kind: 'silence', cause: 'connection' });
  expect(reply.kind === 'silence' && reply.message).toContain(`${engine.name} could not be reached: nothing listens there`);
  await expect(engine.models()).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: 'ENGINE_UNREACHABLE' });
});

test('an answer that is too large is given up, and closes its connection', async () => {
  const closed = Promise.withResolvers<void>();
  const { upstream } = await serve((request, response) => {
    request.resume();
    response.once('close', closed.resolve);
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(10_000)));
    };
    response.on('drain', more);
    more();
  });
  const reply = await upstream({ maxBodyBytes: 100_000 }).answer(row('x'), NEVER);
  expect(reply).toMatchObject({ kind: 'silence', cause: 'too-large' });
  await closed.promise;
});

test('giving up closes the connection, so that the engine can stop', async () => {
  const { server, engine } = await start({ script: () => 'hang' });
  const abort = new AbortController();
  const asked = engine.answer(row('x'), abort.signal);
  await server.until(() => server.stats.working === 1);
  abort.abort();
  expect(await asked).toMatchObject({ cause: 'aborted' });
  await server.until(() => server.stats.hungUp === 1);
});

test('one connection serves one request after another', async () => {
  const { server, engine } = await start();
  for (let turn = 0; turn < 20; turn += 1) expect(textOf(await engine.answer(row(`${turn}`), NEVER))).toBe(`${turn}`);
  expect(server.stats.connections).toBe(1);
});

test('opens as many connections as there are requests, and no more than it may', async () => {
  const { server, engine } = await start({ latency: [5, 15] }, { maxConnections: 10 });
  const contents = Array.from({ length: 100 }, (_, at) => `${at}`);
  const replies = await Promise.all(contents.map((content) => engine.answer(row(content), NEVER)));
  expect(replies.map(textOf)).toEqual(contents);
  expect(server.stats.mostWorking).toBe(10);
  expect(server.stats.connections).toBe(10);
});

test('a request that waits for a connection can be given up', async () => {
  const { server, engine } = await start(
    { script: ({ marker }) => (marker === 'first' ? 'hang' : undefined) },
    { maxConnections: 1 },
  );
  const [first, second] = [new AbortController(), new AbortController()];
  const hanging = engine.answer(row('first'), first.signal);
  await server.until(() => server.stats.working === 1);
  const waiting = engine.answer(row('second'), second.signal);
  const third = engine.answer(row('third'), NEVER);
  second.abort();
  expect(await waiting).toMatchObject({ cause: 'aborted' });
  first.abort();
  expect(await hanging).toMatchObject({ cause: 'aborted' });
  expect(textOf(await third)).toBe('third');
  expect(server.calls.has('second')).toBe(false);
});

/** Answers the first request of a connection; at the second it does what it is told. */
async function serveTwice(onSecond: (socket: Socket, connection: number) => void) {
  let connections = 0;
  return serveTcp((socket) => {
    connections += 1;
    const connection = connections;
    let requests = 0;
    socket.on('error', () => undefined);
    socket.on('data', () => {
      requests += 1;
      if (requests === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      else onSecond(socket, connection);
    });
  });
}

test('a reset of a connection that had been idle is not the row: it is sent once more', async () => {
  const port = await serveTwice((socket) => socket.resetAndDestroy());
  const engine = openUpstream({ baseUrl: `http://127.0.0.1:${port}` });
  open.push(() => engine.close());
  for (let turn = 0; turn < 5; turn += 1)
    expect(await engine.answer(row('x'), NEVER)).toMatchObject({ kind: 'answer', status: 200 });
});

test('a reset of a new connection is silence', async () => {
  let connections = 0;
  const port = await serveTcp((socket) => {
    connections += 1;
    socket.once('data', () => socket.resetAndDestroy());
  });
  const engine = openUpstream({ baseUrl: `http://127.0.0.1:${port}` });
  open.push(() => engine.close());
  expect(await engine.answer(row('x'), NEVER)).toMatchObject({ kind: 'silence', cause: 'cut-off' });
  expect(connections).toBe(1);
});

test('a reset after the first byte is silence, also on a connection that was used before', async () => {
  const port = await serveTwice((socket) =>
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf', () => socket.resetAndDestroy()),
  );
  const engine = openUpstream({ baseUrl: `http://127.0.0.1:${port}` });
  open.push(() => engine.close());
  await engine.answer(row('x'), NEVER);
  expect(await engine.answer(row('x'), NEVER)).toMatchObject({ kind: 'silence', cause: 'cut-off' });
});

test('an engine that is restarted is found again', async () => {
  const { server, engine } = await start();
  await Promise.all([1, 2, 3, 4].map(() => engine.answer(row('before'), NEVER)));
  await server.close();
  const again = await startHttpEngine({ port: Number(new URL(server.url).port) });
  open.push(() => again.close());
  const replies = await Promise.all([1, 2, 3, 4].map(() => engine.answer(row('after'), NEVER)));
  expect(replies.map(textOf)).toEqual(['after', 'after', 'after', 'after']);
});

test('closing cuts off what is in flight and what waits', async () => {
  const { server, engine } = await start({ script: () => 'hang' }, { maxConnections: 1 });
  const replies = [engine.answer(row('x'), NEVER), engine.answer(row('waits'), NEVER)];
  await server.until(() => server.stats.working === 1);
  await engine.close();
  expect((await Promise.all(replies)).map(({ kind }) => kind)).toEqual(['silence', 'silence']);
});

test.each([
  ['vLLM', { id: 'm', object: 'model', max_model_len: 8192 }, 8192],
  ['OpenRouter', { id: 'm', context_length: 131072 }, 131072],
  ['Groq', { id: 'm', context_window: 32768 }, 32768],
  ['LM Studio', { id: 'm', max_context_length: 4096 }, 4096],
  ['one that does not say', { id: 'm' }, undefined],
])('reads the context length of %s', async (_, model, contextLength) => {
  const { upstream } = await serve(json({ object: 'list', data: [model] }));
  expect(await upstream().models()).toEqual([contextLength === undefined ? { id: 'm' } : { id: 'm', contextLength }]);
});

test('asks llama-server for its slots, and what each of them holds', async () => {
  const list = { data: [{ id: 'qwen.gguf', owned_by: 'llamacpp', meta: { n_ctx_train: 40960 } }] };
  const props = { total_slots: 4, default_generation_settings: { n_ctx: 2048 } };
  const { upstream } = await serve((request, response) => json(request.url === '/props' ? props : list)(request, response));
  const engine = upstream();
  expect(engine.slots).toBeUndefined();
  expect(await engine.models()).toEqual([{ id: 'qwen.gguf', contextLength: 2048 }]);
  expect(engine.slots).toBe(4);
});

test.each([
  [401, {}, 'ENGINE_KEY_REFUSED'],
  [403, {}, 'ENGINE_KEY_REFUSED'],
  [404, {}, 'ENGINE_INCOMPATIBLE'],
  [200, { hello: 'world' }, 'ENGINE_INCOMPATIBLE'],
  [503, {}, 'ENGINE_UNREACHABLE'],
])('a list of models with HTTP %i and %j is %s', async (status, value, reason) => {
  const { upstream, origin } = await serve(json(value, status));
  await expect(upstream().models()).rejects.toMatchObject({ reason, message: expect.stringContaining(`${origin}/v1`) });
});

/** Sends the head of a stream and whatever else the test wants. */
const streaming =
  (write: (response: ServerResponse) => void): RequestListener =>
  (request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    write(response);
  };
const askStream = (engine: Engine) => engine.stream(row('x'), NEVER);
const readStream = async (reply: EngineReply | EngineStream) => {
  if (reply.kind !== 'stream') throw new Error(`There is no stream but ${JSON.stringify(reply)}.`);
  const events = (await Array.fromAsync(reply.events)).map(String);
  return { events, end: await reply.ended };
};

test('a stream gives whole events and their bytes, wherever the network cut them', async () => {
  const text = ': hello\n\ndata: {"a":"é世🚢"}\r\n\r\ndata: [DONE]';
  const { upstream } = await serve(
    streaming(async (response) => {
      for (const byte of Buffer.from(text)) await new Promise((resolve) => response.write(Buffer.of(byte), resolve));
      response.end();
    }),
  );
  const { events, end } = await readStream(await askStream(upstream()));
  expect(events).toEqual(['data: {"a":"é世🚢"}\r\n\r\n', 'data: [DONE]\n\n']);
  expect(end).toEqual({ bytes: Buffer.byteLength(events.join('')), silence: undefined });
});

test('before its first event a stream fails as an answer does: cut off, or slow however soon its head came', async () => {
  const cut = await serve(streaming((response) => response.socket?.resetAndDestroy()));
  expect(await askStream(cut.upstream())).toMatchObject({ kind: 'silence', cause: 'cut-off' });
  const slow = await serve(streaming((response) => response.write(': wait\n\n')));
  expect(await askStream(slow.upstream({ clocks: { firstByteMs: 50, idleMs: 60_000 } }))).toMatchObject({
    kind: 'silence',
    cause: 'first-byte-timeout',
  });
});

test('after its first event a stream ends with what cut it off', async () => {
  const begin = (response: ServerResponse) => response.write('data: 1\n\n');
  const stalled = await serve(streaming(begin));
  const { events, end } = await readStream(await askStream(stalled.upstream({ clocks: { idleMs: 50 } })));
  expect(events).toEqual(['data: 1\n\n']);
  expect(end.silence).toMatchObject({ cause: 'idle-timeout' });
  const endless = await serve(
    streaming((response) => {
      begin(response);
      response.write(`data: ${'x'.repeat(5_000)}`);
    }),
  );
  expect((await readStream(await askStream(endless.upstream({ maxBodyBytes: 4_000 })))).end.silence).toMatchObject({
    cause: 'too-large',
  });
});

test('an error in place of the first event is an answer, and judged by what it says', async () => {
  const { upstream } = await serve(
    streaming((response) => response.end('data: {"error":{"message":"no","code":429}}\n\ndata: [DONE]\n\n')),
  );
  const reply = await askStream(upstream());
  expect(classifyReply(reply as EngineReply)).toMatchObject({ verdict: 'retry', cause: 'rate-limited' });
});

test('what asks for a stream and gets none gets the answer', async () => {
  const { upstream } = await serve(json({ choices: [] }));
  expect(await askStream(upstream())).toMatchObject({ kind: 'answer', status: 200 });
  const refusing = await serve(json({ error: { message: 'no' } }, 400));
  expect(await askStream(refusing.upstream())).toMatchObject({ kind: 'answer', status: 400 });
});

test('the connection of a stream that was read to its end serves the next one', async () => {
  const { server, engine } = await start();
  const body = [Buffer.from(JSON.stringify({ stream: true, messages: [{ role: 'user', content: 'hello' }] }))];
  for (let turn = 0; turn < 3; turn++) await readStream(await engine.stream({ path: '/v1/chat/completions', body }, NEVER));
  expect(server.stats).toMatchObject({ requests: 3, connections: 1 });
});
