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
type Fault =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | 'reset'
  | 'hang'
  | 'broken-json'
  | 'cut'
  | 'stall';

interface Asked {
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
interface Calls {
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
  const engine = new LoopbackEngine(options);
  await engine.listen();
  return engine;
}

const PATHS: ReadonlySet<string> = new Set(['/v1/chat/completions', '/v1/completions', '/v1/embeddings', '/v1/responses']);

class LoopbackEngine implements HttpEngine {
  readonly calls = new Map<string, Calls>();
  readonly stats = { requests: 0, refused: 0, working: 0, waiting: 0, mostWorking: 0, mostInside: 0, connections: 0, hungUp: 0 };
  url = '';
  readonly #options: HttpEngineOptions;
  readonly #sockets = new Set<Socket>();
  readonly #queue: (() => void)[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #server = createServer((request, response) => void this.#handle(request, response));

  constructor(options: HttpEngineOptions) {
    this.#options = options;
    this.#server.on('connection', (socket) => this.#onConnection(socket));
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#options.port ?? 0, '127.0.0.1', 4_096, resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const watch = () => {
        if (!condition()) return;
        this.#watchers.delete(watch);
        resolve();
      };
      this.#watchers.add(watch);
      watch();
    });
  }

  cutConnections(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cutConnections();
    await closed;
  }

  #onConnection(socket: Socket): void {
    this.stats.connections += 1;
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#happened();
    });
    this.#happened();
  }

  #happened(): void {
    for (const watch of this.#watchers) watch();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { apiKey, models = [{ id: 'test-model', object: 'model' }] } = this.#options;
    if (apiKey !== undefined && request.headers.authorization !== `Bearer ${apiKey}`) {
      return reply(response, { status: 401, body: envelope('Incorrect API key provided.', 'invalid_api_key') });
    }
    if (request.url === '/v1/models')
      return reply(response, { status: 200, body: JSON.stringify({ object: 'list', data: models }) });
    if (!PATHS.has(request.url ?? ''))
      return reply(response, { status: 404, body: envelope(`There is no ${request.url}.`, 'not_found') });
    const body = await readJson(request);
    if (body === undefined) return reply(response, { status: 400, body: envelope('The body is not JSON.', 'invalid_json') });
    await this.#admit(response, this.#ask(request.url ?? '', body));
  }

  #ask(path: string, body: Record<string, unknown>): Asked {
    const marker = toMarker(body);
    this.stats.requests += 1;
    const asked = { marker, attempt: (this.calls.get(marker)?.asked ?? 0) + 1, count: this.stats.requests, path, body };
    this.#note('asked', asked);
    return asked;
  }

  #note(event: 'asked' | 'answered', { marker, attempt }: Asked): void {
    const call = this.calls.get(marker) ?? { asked: 0, answered: 0 };
    this.calls.set(marker, { ...call, [event]: call[event] + 1 });
    const { log } = this.#options;
    if (log !== undefined) appendFileSync(log, `${JSON.stringify({ event, marker, attempt, at: Date.now() })}\n`);
    this.#happened();
  }

  async #admit(response: ServerResponse, asked: Asked): Promise<void> {
    const { slots = Number.POSITIVE_INFINITY, queue = Number.POSITIVE_INFINITY } = this.#options;
    if (this.stats.working >= slots && this.stats.waiting >= queue) return this.#refuse(response);
    this.stats.mostInside = Math.max(this.stats.mostInside, this.stats.working + this.stats.waiting + 1);
    if (this.stats.working >= slots) await this.#wait();
    this.stats.working += 1;
    this.stats.mostWorking = Math.max(this.stats.mostWorking, this.stats.working);
    this.#happened();
    await this.#work(response, asked);
    this.stats.working -= 1;
    this.#queue.shift()?.();
    this.#happened();
  }

  async #wait(): Promise<void> {
    this.stats.waiting += 1;
    this.#happened();
    await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.stats.waiting -= 1;
  }

  #refuse(response: ServerResponse): void {
    const { retryAfter } = this.#options;
    this.stats.refused += 1;
    const headers = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
    reply(response, { status: 429, headers, body: envelope('Too many requests.', 'rate_limit_exceeded') });
  }

  /** Ends when the answer has left, or the other side has gone. */
  async #work(response: ServerResponse, asked: Asked): Promise<void> {
    const gone = toGone(response);
    const [from, to] = this.#options.latency ?? [0, 0];
    const waitMs = from + (to - from) * share(`${asked.marker}#${asked.attempt}`);
    if (waitMs > 0) await delay(waitMs, undefined, { signal: gone }).catch(() => undefined);
    const fault = gone.aborted ? undefined : this.#options.script?.(asked);
    if (fault === 'hang') await until(gone);
    if (gone.aborted) this.stats.hungUp += 1;
    else if (fault === undefined) await this.#complete(response, asked);
    else await this.#fail(response, { asked, fault, gone });
  }

  async #complete(response: ServerResponse, asked: Asked): Promise<void> {
    const sent = new Promise((resolve) => response.once('finish', () => resolve(true)).once('close', () => resolve(false)));
    const headers = isStreamed(asked) ? EVENT_STREAM : {};
    reply(response, { status: 200, headers, body: this.#completion(asked) });
    if (await sent) this.#note('answered', asked);
  }

  async #fail(
    response: ServerResponse,
    { asked, fault, gone }: { asked: Asked; fault: Fault; gone: AbortSignal },
  ): Promise<void> {
    if (typeof fault === 'object') return reply(response, fault);
    if (fault === 'reset') return void response.socket?.resetAndDestroy();
    const text = this.#completion(asked);
    if (fault === 'broken-json') return reply(response, { status: 200, body: text.slice(0, -9) });
    const headers = isStreamed(asked) ? EVENT_STREAM : { 'content-type': 'application/json' };
    response.writeHead(200, { 'content-length': Buffer.byteLength(text), ...headers });
    await new Promise((resolve) => response.write(text.slice(0, text.length / 2), resolve));
    if (fault === 'cut') return void response.socket?.resetAndDestroy();
    await until(gone);
    this.stats.hungUp += 1;
  }

  /** The whole answer, as one object or as events. */
  #completion(asked: Asked): string {
    const content = this.#options.content?.(asked) ?? asked.marker;
    const whole = {
      id: `chatcmpl-${createHash('sha256').update(content).digest('hex').slice(0, 16)}`,
      object: 'chat.completion',
      created: 1_700_000_000,
      model: asked.body['model'] ?? 'test-model',
      choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15, prompt_tokens_details: { cached_tokens: 4 } },
    };
    return isStreamed(asked) ? toEvents(whole, content) : JSON.stringify(whole);
  }
}

const EVENT_STREAM = { 'content-type': 'text/event-stream; charset=utf-8' };

const isStreamed = ({ body }: Asked): boolean => body['stream'] === true;

/** As vLLM streams: a chunk for every few characters, the usage in a chunk of its own. */
function toEvents({ usage, ...head }: Readonly<Record<string, unknown>>, content: string): string {
  const toEvent = (choices: readonly object[], others: object = {}) =>
    `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...others })}\n\n`;
  const toDelta = (delta: object, finish_reason: string | null = null) => toEvent([{ index: 0, delta, finish_reason }]);
  const pieces = content.match(/.{1,4}/gsu) ?? [];
  return [
    toDelta({ role: 'assistant', content: '' }),
    ...pieces.map((piece) => toDelta({ content: piece })),
    toDelta({}, 'stop'),
    toEvent([], { usage }),
    'data: [DONE]\n\n',
  ].join('');
}

/** Aborted when the other side has gone, or has its whole answer. */
function toGone(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  if (response.destroyed) gone.abort();
  response.once('close', () => gone.abort());
  return gone.signal;
}

const until = (signal: AbortSignal): Promise<unknown> =>
  signal.aborted ? Promise.resolve() : new Promise((resolve) => signal.addEventListener('abort', resolve));

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

function reply(
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
