/**
 * A real HTTP engine for tests, on loopback: OpenAI's chat dialect with latencies, slots, scripted faults and a log of every call.
 * In process: `startHttpEngine(options)`. Alone: `node test/support/http-engine.ts --port 0 --latency 50-500 --log calls.jsonl`,
 * which prints its URL as one line of JSON; `--faults 500:0.1,reset:0.05` fails that share of first tries.
 */
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

/** What a request gets in place of its answer. `cut`: half an answer, then a reset. `stall`: half an answer, then silence. */
export type Fault =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | 'reset'
  | 'hang'
  | 'broken-json'
  | 'cut'
  | 'stall';

export interface Asked {
  /** What stands between `[[` and `]]` in the last user message, else the whole message. */
  readonly marker: string;
  /** 1 for the first time that this marker is asked. */
  readonly attempt: number;
  /** 1 for the first request of all. */
  readonly count: number;
  readonly path: string;
  readonly body: Record<string, unknown>;
}

export interface HttpEngineOptions {
  readonly port?: number;
  /** Each request takes between so many milliseconds, always the same for the same marker and attempt. */
  readonly latency?: readonly [number, number];
  /** How many requests are worked on at once; default all. */
  readonly slots?: number;
  /** How many may wait beyond that before 429; default all. */
  readonly queue?: number;
  /** Seconds in the `retry-after` of those 429s; default none. */
  readonly retryAfter?: number;
  /** Demanded as bearer token. */
  readonly apiKey?: string;
  readonly models?: readonly Record<string, unknown>[];
  readonly script?: (asked: Asked) => Fault | undefined;
  /** The content of an answer; default the last user message. */
  readonly content?: (asked: Asked) => string;
  /** A file that gets a line for every request and every answer. */
  readonly log?: string;
}

/** How often a marker was asked, and answered with 200 to the last byte. */
export interface Calls {
  asked: number;
  answered: number;
}

export interface HttpEngine {
  /** Ends in `/v1`. */
  readonly url: string;
  readonly calls: ReadonlyMap<string, Calls>;
  readonly stats: {
    requests: number;
    refused: number;
    working: number;
    waiting: number;
    mostWorking: number;
    mostInside: number;
    connections: number;
    hungUp: number;
  };
  /** Resolves as soon as `condition` holds; looked at after every event of the engine. */
  until(condition: () => boolean): Promise<void>;
  /** Closes all connections at once, those in the middle of an answer too. */
  cutConnections(): void;
  close(): Promise<void>;
}

/** Starts the engine on loopback. */
export async function startHttpEngine(options: HttpEngineOptions = {}): Promise<HttpEngine> {
  const calls = new Map<string, Calls>();
  const stats = { requests: 0, refused: 0, working: 0, waiting: 0, mostWorking: 0, mostInside: 0, connections: 0, hungUp: 0 };
  const sockets = new Set<Socket>();
  const queue: (() => void)[] = [];
  const watchers = new Set<() => void>();
  const happened = () => watchers.forEach((watch) => watch());
  const note = (event: 'asked' | 'answered', asked: Asked) => {
    const call = calls.get(asked.marker) ?? { asked: 0, answered: 0 };
    calls.set(asked.marker, { ...call, [event]: call[event] + 1 });
    if (options.log !== undefined)
      appendFileSync(options.log, `${JSON.stringify({ event, marker: asked.marker, attempt: asked.attempt, at: Date.now() })}\n`);
  };

  const enter = async (): Promise<boolean> => {
    const { slots = Number.POSITIVE_INFINITY, queue: room = Number.POSITIVE_INFINITY } = options;
    if (stats.working >= slots) {
      if (stats.waiting >= room) return false;
      stats.waiting += 1;
      stats.mostInside = Math.max(stats.mostInside, stats.working + stats.waiting);
      await new Promise<void>((resolve) => queue.push(resolve));
      stats.waiting -= 1;
    }
    stats.working += 1;
    stats.mostWorking = Math.max(stats.mostWorking, stats.working);
    stats.mostInside = Math.max(stats.mostInside, stats.working + stats.waiting);
    happened();
    return true;
  };
  const leave = () => {
    stats.working -= 1;
    queue.shift()?.();
    happened();
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '';
    if (options.apiKey !== undefined && request.headers.authorization !== `Bearer ${options.apiKey}`) {
      return refuse(response, { status: 401, body: envelope('Incorrect API key provided.', 'invalid_api_key') });
    }
    if (path === '/v1/models')
      return send(response, 200, { object: 'list', data: options.models ?? [{ id: 'test-model', object: 'model' }] });
    const body = await readJson(request);
    if (body === undefined) return refuse(response, { status: 400, body: envelope('The body is not JSON.', 'invalid_json') });
    const marker = toMarker(body);
    stats.requests += 1;
    const asked: Asked = { marker, attempt: (calls.get(marker)?.asked ?? 0) + 1, count: stats.requests, path, body };
    note('asked', asked);
    happened();
    if (!(await enter())) {
      stats.refused += 1;
      const headers = options.retryAfter === undefined ? {} : { 'retry-after': String(options.retryAfter) };
      return refuse(response, { status: 429, headers, body: envelope('Too many requests.', 'rate_limit_exceeded') });
    }
    try {
      await work(request, response, asked);
    } finally {
      leave();
    }
  };

  const work = async (request: IncomingMessage, response: ServerResponse, asked: Asked): Promise<void> => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const [from, to] = options.latency ?? [0, 0];
    const waitMs = from + (to - from) * share(`${asked.marker}#${asked.attempt}`);
    if (waitMs > 0) await delay(waitMs, undefined, { signal: gone.signal }).catch(() => undefined);
    const fault = options.script?.(asked);
    if (fault === 'hang' && !gone.signal.aborted) await new Promise((resolve) => gone.signal.addEventListener('abort', resolve));
    if (gone.signal.aborted) {
      stats.hungUp += 1;
      return;
    }
    if (fault === 'reset') return void request.socket.resetAndDestroy();
    if (typeof fault === 'object') return refuse(response, fault);
    const text = JSON.stringify(toCompletion(asked, options.content));
    if (fault === 'broken-json') return refuse(response, { status: 200, body: text.slice(0, -9) });
    if (fault === 'cut' || fault === 'stall') return half(request, response, { text, fault, gone: gone.signal });
    const sent = new Promise<boolean>((resolve) =>
      response.once('finish', () => resolve(true)).once('close', () => resolve(false)),
    );
    refuse(response, { status: 200, body: text });
    if (await sent) note('answered', asked);
  };

  const half = async (
    request: IncomingMessage,
    response: ServerResponse,
    { text, fault, gone }: { text: string; fault: string; gone: AbortSignal },
  ) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    await new Promise((resolve) => response.write(text.slice(0, text.length / 2), resolve));
    if (fault === 'cut') return void request.socket.resetAndDestroy();
    if (!gone.aborted) await new Promise((resolve) => gone.addEventListener('abort', resolve));
    stats.hungUp += 1;
  };

  const server = createServer((request, response) => void handle(request, response));
  server.keepAliveTimeout = 5_000;
  server.on('connection', (socket) => {
    stats.connections += 1;
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      happened();
    });
    happened();
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', 4_096, resolve));
  const { port } = server.address() as AddressInfo;
  const cutConnections = () => sockets.forEach((socket) => socket.resetAndDestroy());
  return {
    url: `http://127.0.0.1:${port}/v1`,
    calls,
    stats,
    until: (condition) =>
      new Promise((resolve) => {
        const watch = () => {
          if (!condition()) return;
          watchers.delete(watch);
          resolve();
        };
        watchers.add(watch);
        watch();
      }),
    cutConnections,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cutConnections();
      await closed;
    },
  };
}

function toCompletion(asked: Asked, content: HttpEngineOptions['content']): Record<string, unknown> {
  const text = content?.(asked) ?? asked.marker;
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15, prompt_tokens_details: { cached_tokens: 4 } };
  const message = { role: 'assistant', content: text };
  return {
    id: `chatcmpl-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`,
    object: 'chat.completion',
    created: 1_700_000_000,
    model: asked.body['model'] ?? 'test-model',
    choices: [{ index: 0, message, finish_reason: 'stop' }],
    usage,
  };
}

function toMarker(body: Record<string, unknown>): string {
  const messages = Array.isArray(body['messages']) ? body['messages'] : [];
  const content = messages.findLast((message) => message?.role === 'user')?.content ?? body['prompt'] ?? body['input'] ?? '';
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  return /\[\[(.*?)\]\]/.exec(text)?.[1] ?? text;
}

/** Between 0 and 1, always the same for the same text. */
const share = (text: string): number => createHash('sha256').update(text).digest().readUInt32BE(0) / 2 ** 32;

const envelope = (message: string, code: string): string =>
  JSON.stringify({ error: { message, type: 'invalid_request_error', code } });

const send = (response: ServerResponse, status: number, value: unknown): void =>
  refuse(response, { status, body: JSON.stringify(value) });

function refuse(
  response: ServerResponse,
  { status, headers, body = envelope(`status ${status}`, 'scripted') }: Exclude<Fault, string>,
): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers });
  response.end(body);
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown> | undefined> {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of request) pieces.push(piece);
    return JSON.parse(Buffer.concat(pieces).toString());
  } catch {
    return undefined;
  }
}

/** `500:0.1,reset:0.05`: that share of the markers fails so on its first try. */
function toScript(faults: string): (asked: Asked) => Fault | undefined {
  const shares = faults
    .split(',')
    .map((part) => part.split(':'))
    .map(([kind = '', size]) => ({ kind, size: Number(size) }));
  return ({ marker, attempt }) => {
    if (attempt > 1) return undefined;
    let at = share(`fault ${marker}`);
    for (const { kind, size } of shares) {
      if (at < size) return /^\d+$/.test(kind) ? { status: Number(kind) } : (kind as Fault);
      at -= size;
    }
    return undefined;
  };
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      port: text,
      latency: text,
      log: text,
      slots: text,
      queue: text,
      'retry-after': text,
      key: text,
      faults: text,
      model: text,
    },
  });
  const [from = 0, to = from] = (values.latency ?? '0').split('-').map(Number);
  const engine = await startHttpEngine({
    port: Number(values.port ?? 0),
    latency: [from, to],
    ...(values.log === undefined ? {} : { log: values.log }),
    ...(values.slots === undefined ? {} : { slots: Number(values.slots) }),
    ...(values.queue === undefined ? {} : { queue: Number(values.queue) }),
    ...(values['retry-after'] === undefined ? {} : { retryAfter: Number(values['retry-after']) }),
    ...(values.key === undefined ? {} : { apiKey: values.key }),
    ...(values.model === undefined ? {} : { models: [{ id: values.model, object: 'model' }] }),
    ...(values.faults === undefined ? {} : { script: toScript(values.faults) }),
  });
  console.log(JSON.stringify({ url: engine.url, pid: process.pid }));
}

if (import.meta.main) await main();
