/**
 * An engine on loopback that speaks OpenAI's dialect, tells the truth or lies by a seeded plan, and writes down every call.
 * Alone: `node src/torture/engine.ts --seed 7 --faults 500:0.1,hang:0.01 --latency 20-200 --log calls.jsonl`, which prints its URL as a line of JSON.
 */
import { STATUS_CODES } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { type Answer, answerOf, type Body, digestOf, readQuestion, toEvents, toReply } from './answers.ts';
import { type Call, CallLog } from './call-log.ts';
import { chanceOf, pick, type Shares } from './chance.ts';
import { type EngineFault, lie, type Outgoing } from './lies.ts';
import { type Conversation, type RawRequest, serveRaw } from './raw-http.ts';

/** How an engine behaves; a key's nth attempt always meets the same. */
export interface EnginePlan {
  readonly seed: number;
  /** Each call takes between so many milliseconds; a share of them, the tail, takes `tailMs`. Default none. */
  readonly latency?: { readonly fromMs: number; readonly toMs: number; readonly tail?: number; readonly tailMs?: number };
  readonly faults?: Shares<EngineFault>;
  /** Only the first so many attempts of a key meet faults; default all. */
  readonly faultyAttempts?: number;
  /** Decides instead of the shares. */
  readonly script?: (key: string, attempt: number) => EngineFault | undefined;
}

export interface EngineOptions {
  readonly plan?: EnginePlan;
  /** A file that gets a line for every call. */
  readonly log?: string;
  readonly model?: string;
}

/** The engine; `plan` may be changed at any time. */
export interface TortureEngine {
  /** Ends in `/v1`. */
  readonly url: string;
  readonly port: number;
  plan: EnginePlan;
  /** Calls that have ended, in the order of their ends. */
  readonly calls: readonly Call[];
  /** Resolves when so many calls have been answered completely and well since the start. */
  untilAnswered(calls: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts it. */
export async function startEngine(options: EngineOptions = {}): Promise<TortureEngine> {
  const engine = new LyingEngine(options);
  await engine.listen();
  return engine;
}

/** A call on its way. */
interface Asked {
  readonly at: number;
  readonly path: string;
  readonly body: Body;
  readonly key: string;
  readonly answer: Answer;
  readonly attempt: number;
  readonly fault: EngineFault | undefined;
}

const PATHS: ReadonlySet<string> = new Set(['/v1/chat/completions', '/v1/completions', '/v1/embeddings']);

class LyingEngine implements TortureEngine {
  plan: EnginePlan;
  url = '';
  port = 0;
  readonly #log: CallLog;
  readonly #model: string;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server = serveRaw((request, conversation) => this.#handle(request, conversation));
  #answered = 0;
  readonly #waiting = new Set<{ readonly calls: number; readonly resolve: () => void }>();

  constructor({ plan = { seed: 0 }, log, model = 'torture' }: EngineOptions) {
    this.plan = plan;
    this.#log = new CallLog(log);
    this.#model = model;
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  get calls(): readonly Call[] {
    return this.#log.calls;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', 4_096, resolve));
    this.port = (this.#server.address() as AddressInfo).port;
    this.url = `http://127.0.0.1:${this.port}/v1`;
  }

  untilAnswered(calls: number): Promise<void> {
    if (this.#answered >= calls) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add({ calls, resolve }));
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await this.#log.close();
  }

  #handle({ path, body: text }: RawRequest, conversation: Conversation): void {
    const body = parse(text);
    if (path === '/v1/models') sendJson(conversation, 200, { object: 'list', data: [{ id: this.#model, object: 'model' }] });
    else if (!PATHS.has(path)) sendJson(conversation, 404, { error: { message: `There is no ${path}.`, code: 'not_found' } });
    else if (body === undefined) sendJson(conversation, 400, { error: { message: 'The body is no JSON object.', code: null } });
    else this.#ask(conversation, path, body);
  }

  #ask(conversation: Conversation, path: string, body: Body): void {
    const question = readQuestion(body);
    const { key } = question;
    const attempt = this.#log.begin(key);
    const fault = this.#faultOf(key, attempt);
    const asked = { at: Date.now(), path, body, key, answer: answerOf(question), attempt, fault };
    const waitMs = this.#latencyOf(asked);
    if (waitMs > 0) setTimeout(() => this.#answer(conversation, asked), waitMs);
    else this.#answer(conversation, asked);
  }

  #faultOf(key: string, attempt: number): EngineFault | undefined {
    const { seed, faults, faultyAttempts = Number.POSITIVE_INFINITY, script } = this.plan;
    if (script !== undefined) return script(key, attempt);
    if (faults === undefined || attempt > faultyAttempts) return undefined;
    return pick(faults, chanceOf(`${seed} fault ${key} ${attempt}`));
  }

  #latencyOf({ key, attempt, fault }: Asked): number {
    const { seed, latency } = this.plan;
    if (latency === undefined || fault === 'reset-before') return 0;
    const { fromMs, toMs, tail = 0, tailMs = toMs } = latency;
    const chance = chanceOf(`${seed} latency ${key} ${attempt}`);
    return chance < tail ? tailMs : fromMs + (toMs - fromMs) * chance;
  }

  #answer(conversation: Conversation, asked: Asked): void {
    const { fault } = asked;
    const isReset = fault === 'reset-before' || fault === 'reset-after';
    if (isReset) conversation.socket.resetAndDestroy();
    if (conversation.socket.destroyed) this.#end(asked, { complete: false });
    else if (fault === 'hang') conversation.onGone = () => this.#end(asked, { complete: false });
    else this.#send(conversation, asked, toOutgoing(asked));
  }

  #send(conversation: Conversation, asked: Asked, outgoing: Outgoing): void {
    const { status, body, after } = outgoing;
    const isWhole = status === 200 && (after === undefined || after === 'again');
    const digest = isWhole ? { digest: digestOf(body) } : {};
    const onOut = (isOut: boolean) => {
      this.#end(asked, { complete: isOut && isWhole, status, ...digest });
      if (after === 'reset') conversation.socket.resetAndDestroy();
      if (after === 'close') conversation.socket.end();
    };
    conversation.answer(toBytes(outgoing, asked.body['stream'] === true), onOut);
  }

  #end({ at, path, key, answer, attempt, fault }: Asked, outcome: Pick<Call, 'complete' | 'status' | 'digest'>): void {
    const { promptTokens, completionTokens } = answer;
    const worked = outcome.digest === undefined ? NO_WORK : { promptTokens, completionTokens };
    this.#log.end({
      at,
      endedAt: Date.now(),
      path,
      key,
      attempt,
      ...(fault === undefined ? {} : { fault }),
      ...outcome,
      ...worked,
    });
    if (!outcome.complete || fault !== undefined) return;
    this.#answered += 1;
    for (const waiting of this.#waiting) {
      if (waiting.calls > this.#answered) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }
}

const NO_WORK = { promptTokens: 0, completionTokens: 0 };

function toOutgoing({ path, body, answer, fault }: Asked): Outgoing {
  const reply = toReply(path, body, answer);
  if (fault !== undefined) return lie(fault, reply) ?? { status: 500, body: '' };
  const isStreamed = body['stream'] === true && path === '/v1/chat/completions';
  return { status: 200, body: isStreamed ? toEvents(reply, answer.content) : JSON.stringify(reply) };
}

/** The whole reply, in one piece. */
function toBytes({ status, headers = [], body, announced, after }: Outgoing, isStreamed: boolean): string | Buffer {
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${isStreamed ? 'text/event-stream' : 'application/json'}`,
  ];
  for (let at = 0; at < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`);
  lines.push(`content-length: ${announced ?? Buffer.byteLength(body)}`);
  const head = `${lines.join('\r\n')}\r\n\r\n`;
  if (typeof body !== 'string') return Buffer.concat([Buffer.from(head), body]);
  return after === 'again' ? `${head}${body}${head}${body}` : head + body;
}

function sendJson(conversation: Conversation, status: number, value: object): void {
  conversation.answer(toBytes({ status, body: JSON.stringify(value) }, false), () => undefined);
}

function parse(text: string): Body | undefined {
  try {
    const value: unknown = JSON.parse(text);
    // Any object has string keys.
    return typeof value === 'object' && value !== null ? (value as Body) : undefined;
  } catch {
    return undefined;
  }
}

/** `500:0.1,hang:0.01` */
const readShares = (text: string): Shares<EngineFault> =>
  Object.fromEntries(text.split(',').map((part) => [part.split(':')[0] ?? '', Number(part.split(':')[1])]));

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { seed: text, faults: text, latency: text, log: text, model: text } });
  const [fromMs = 0, toMs = fromMs] = (values.latency ?? '0').split('-').map(Number);
  const engine = await startEngine({
    plan: {
      seed: Number(values.seed ?? 0),
      latency: { fromMs, toMs },
      ...(values.faults === undefined ? {} : { faults: readShares(values.faults) }),
    },
    ...(values.log === undefined ? {} : { log: values.log }),
    ...(values.model === undefined ? {} : { model: values.model }),
  });
  process.stdout.write(`${JSON.stringify({ url: engine.url, pid: process.pid })}\n`);
}

if (import.meta.main) await main();
