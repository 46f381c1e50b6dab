/** Any OpenAI-compatible HTTP endpoint as an engine: vLLM, SGLang, llama-server, Ollama, a hosted provider. */
import { makeGuardedConnect } from '../base/guarded-connect.ts';
import { Problem } from '../base/problem.ts';
import { isMetadataAddress } from '../base/public-address.ts';
import { Connections } from './connections.ts';
import type { Engine, EngineAnswer, EngineModel, EngineReply, EngineRequest, EngineStream } from './engine.ts';
import { type EngineUrl, readEngineUrl, refuseMetadata } from './engine-url.ts';
import { type Clocks, type ExchangeOptions, exchange, exchangeStream, type Outgoing } from './exchange.ts';
import { type Gauge, METRICS_PATH, readGauge } from './gauge.ts';
import { type ListedModel, readModelList, readProps } from './model-list.ts';

export interface UpstreamOptions {
  /** With or without `/v1`. */
  readonly baseUrl: string;
  /** Sent as a bearer token. */
  readonly apiKey?: string;
  /** For people; default is the URL without credentials. */
  readonly name?: string;
  readonly clocks?: Partial<Clocks>;
  /** Requests beyond it wait for a connection; default 4,096. */
  readonly maxConnections?: number;
  /** A longer answer is given up; default 64 MiB. */
  readonly maxBodyBytes?: number;
  /** How many requests it is known to work on at once; `models()` may find out better. */
  readonly slots?: number;
  /** Never connects to where machines ask for their own secrets: for addresses that come over the network. */
  readonly guarded?: boolean;
}

/** An engine behind HTTP, and what can be asked of it beside its API. */
export interface Upstream extends Engine {
  /** Asks it something about itself, not for a generation: what it lists when no path is given. Never rejects. */
  question(path?: string, body?: object): Promise<EngineReply>;
}

const CLOCKS: Clocks = { connectMs: 10_000, firstByteMs: 600_000, idleMs: 120_000, totalMs: 3_600_000 };
/** A question about the engine itself, not a generation. */
const QUESTION_MS = 30_000;
const MOST_ANSWER_BYTES = 8 * 2 ** 20;
const NEVER = new AbortController().signal;

/** Opens an engine behind a URL. Nothing is sent yet; `models()` is the way to see that it is there. */
export function openUpstream(options: UpstreamOptions): Upstream {
  return new HttpUpstream(readEngineUrl(options.baseUrl), options);
}

class HttpUpstream implements Upstream {
  readonly name: string;
  /** Known after `models()` where the engine says it. */
  slots: number | undefined;
  readonly #url: EngineUrl;
  readonly #headers: readonly string[];
  readonly #exchange: ExchangeOptions;

  constructor(url: EngineUrl, options: UpstreamOptions) {
    this.#url = url;
    this.name = options.name ?? url.name;
    this.#headers = [...toAuthorization(url, options.apiKey), 'content-type', 'application/json', 'accept', 'application/json'];
    const clocks = { ...CLOCKS, ...options.clocks };
    const max = options.maxConnections ?? 4_096;
    this.slots = options.slots;
    const { connectMs } = clocks;
    this.#exchange = {
      connections: new Connections({
        origin: url.origin,
        connectMs,
        max,
        ...(options.guarded && { connect: toGuarded(connectMs) }),
      }),
      clocks,
      maxBodyBytes: options.maxBodyBytes ?? 64 * 2 ** 20,
      name: this.name,
    };
  }

  answer(request: EngineRequest, signal: AbortSignal): Promise<EngineReply> {
    return exchange(this.#toOutgoing(request), signal, this.#exchange);
  }

  stream(request: EngineRequest, signal: AbortSignal): Promise<EngineReply | EngineStream> {
    return exchangeStream(this.#toOutgoing(request), signal, this.#exchange);
  }

  async models(): Promise<readonly EngineModel[]> {
    const answer = this.#expectAnswer(await this.question());
    const models = readModelList(answer.body);
    if (models === undefined) throw this.#incompatible('it answered something else than a list of models');
    const [props] = models.some(({ fromLlamaServer }) => fromLlamaServer) ? [await this.#askProps()] : [];
    this.slots = props?.slots;
    return models.map((model) => toEngineModel(model, props?.contextLength));
  }

  async gauge(): Promise<Gauge | 'none' | undefined> {
    const reply = await this.question(METRICS_PATH);
    if (reply.kind === 'silence' || reply.status >= 500) return undefined;
    return readGauge(reply.status === 200 ? reply.body.toString('latin1') : '') ?? 'none';
  }

  async close(): Promise<void> {
    await this.#exchange.connections.close();
  }

  #toOutgoing({ path, body }: EngineRequest): Outgoing {
    return { method: 'POST', path: this.#url.toPath(path), headers: this.#headers, body: toOne(body) };
  }

  question(path?: string, body?: object): Promise<EngineReply> {
    const clocks = { ...this.#exchange.clocks, firstByteMs: QUESTION_MS, totalMs: QUESTION_MS };
    const outgoing: Outgoing = {
      method: body === undefined ? 'GET' : 'POST',
      path: path === undefined ? this.#url.toPath('/v1/models') : this.#url.toPathBeside(path),
      headers: this.#headers,
      body: body && Buffer.from(JSON.stringify(body)),
    };
    return exchange(outgoing, NEVER, { ...this.#exchange, clocks, maxBodyBytes: MOST_ANSWER_BYTES });
  }

  async #askProps(): Promise<ReturnType<typeof readProps> | undefined> {
    const reply = await this.question('/props');
    return reply.kind === 'answer' && reply.status === 200 ? readProps(reply.body) : undefined;
  }

  #expectAnswer(reply: EngineReply): EngineAnswer {
    if (reply.kind === 'silence') throw this.#unreachable(reply.message);
    const { status } = reply;
    if (status === 200) return reply;
    if (status === 401 || status === 403) throw this.#keyRefused(status);
    if (status >= 500 || status === 429) throw this.#unreachable(`${this.name} answered HTTP ${status}.`);
    throw this.#incompatible(`it answered HTTP ${status}`);
  }

  #unreachable(what: string): Problem {
    const message = `${what} An engine should answer there: start it, or correct its address.`;
    return new Problem('UNAVAILABLE', message, { reason: 'ENGINE_UNREACHABLE', details: { engine: this.name } });
  }

  #keyRefused(status: number): Problem {
    const message = `The engine at ${this.name} should take our key, but it answered HTTP ${status}. Give a key that it knows.`;
    return new Problem('PERMISSION_DENIED', message, { reason: 'ENGINE_KEY_REFUSED', details: { engine: this.name, status } });
  }

  #incompatible(what: string): Problem {
    const message = `The engine at ${this.name} should list its models as OpenAI's API does, but ${what}. Correct its address: it usually ends in /v1.`;
    return new Problem('FAILED_PRECONDITION', message, { reason: 'ENGINE_INCOMPATIBLE', details: { engine: this.name } });
  }
}

const toGuarded = (timeoutMs: number) =>
  makeGuardedConnect({ timeoutMs, isAllowed: (address) => !isMetadataAddress(address), refusal: refuseMetadata });

function toAuthorization(url: EngineUrl, apiKey: string | undefined): readonly string[] {
  // Keys come from files, which end in a newline.
  const key = apiKey?.trim();
  if (key !== undefined && key !== '') return ['authorization', `Bearer ${key}`];
  if (url.credentials === undefined) return [];
  return ['authorization', `Basic ${Buffer.from(url.credentials).toString('base64')}`];
}

/** One buffer, so that head and body leave in one write; a copy of a few kilobytes costs less than an iterated body. */
function toOne(pieces: readonly Uint8Array[]): Buffer {
  const [first, ...others] = pieces;
  if (first === undefined || others.length > 0) return Buffer.concat(pieces);
  return Buffer.from(first.buffer, first.byteOffset, first.byteLength);
}

/** What llama-server really holds per slot is less than what the model was trained for. */
const toEngineModel = ({ id, contextLength }: ListedModel, perSlot: number | undefined): EngineModel => {
  const tokens = perSlot ?? contextLength;
  return tokens === undefined ? { id } : { id, contextLength: tokens };
};
