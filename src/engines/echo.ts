/**
 * The engine without a model: it says what it was told, whole or word by word. For a first try, and to see whether a file runs.
 * Everything in an answer follows from the request's bytes, so the same file gives the same answers.
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Fields,
  isFields,
  type Refusal,
  replyToChat,
  replyToInput,
  replyToPrompt,
  replyWithVectors,
} from './echo-replies.ts';
import { toChatEvents, toInputEvents, toPromptEvents } from './echo-stream.ts';
import type { Engine, EngineAnswer, EngineModel, EngineReply, EngineRequest, EngineSilence, EngineStream } from './engine.ts';

export interface EchoOptions {
  /** How long each answer takes; default at once. */
  readonly latencyMs?: number;
}

/** Makes an echo engine. */
export function makeEchoEngine({ latencyMs = 0 }: EchoOptions = {}): Engine {
  let isClosed = false;
  const wait = async (signal: AbortSignal): Promise<EngineSilence | undefined> => {
    await (latencyMs > 0 ? delay(latencyMs, undefined, { signal }).catch(() => undefined) : undefined);
    if (signal.aborted) return { kind: 'silence', cause: 'aborted', message: 'The request was given up.' };
    return isClosed ? { kind: 'silence', cause: 'connection', message: 'The echo engine was closed.' } : undefined;
  };
  return {
    name: 'echo',
    slots: undefined,
    models: async () => [ECHO_MODEL],
    answer: async (request, signal): Promise<EngineReply> => (await wait(signal)) ?? answer(request),
    stream: async (request, signal) => (await wait(signal)) ?? stream(request, signal),
    async close() {
      isClosed = true;
    },
  };
}

/** A kind of request: how it is answered, and how that is said in events, if it can be. */
interface Kind {
  readonly reply: (asked: Fields, id: string) => object | Refusal;
  readonly events?: (asked: Fields, id: string) => Iterable<string> | Refusal;
}

function kind<Reply extends object>(
  reply: (asked: Fields, id: string) => Reply | Refusal,
  toEvents: (reply: Reply, asked: Fields) => Iterable<string>,
): Kind {
  const events = (asked: Fields, id: string) => {
    const said = reply(asked, id);
    return typeof said === 'string' ? said : toEvents(said, asked);
  };
  return { reply, events };
}

const KINDS: Readonly<Record<string, Kind>> = {
  '/v1/chat/completions': kind(replyToChat, toChatEvents),
  '/v1/completions': kind(replyToPrompt, toPromptEvents),
  '/v1/embeddings': { reply: replyWithVectors },
  '/v1/responses': kind(replyToInput, toInputEvents),
};

/** The one model of an echo engine; it answers to any name. */
export const ECHO_MODEL: EngineModel = { id: 'echo', paths: Object.keys(KINDS) };

/** How a kind of request is answered; undefined for one that echo doesn't know. */
type Way<Said> = (kind: Kind) => ((asked: Fields, id: string) => Said | Refusal) | undefined;

function answer(request: EngineRequest): EngineAnswer {
  const said = ask(request, ({ reply }) => reply);
  return isAnswer(said) ? said : toAnswer(200, said);
}

function stream(request: EngineRequest, signal: AbortSignal): EngineAnswer | EngineStream {
  const said = ask(request, ({ events }) => events);
  if (isAnswer(said)) return said;
  const events = Array.from(said, (event) => Buffer.from(event));
  const bytes = events.reduce((sum, { length }) => sum + length, 0);
  return {
    kind: 'stream',
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
    events: until(signal, events),
    ended: Promise.resolve({ bytes, silence: undefined }),
  };
}

async function* until(signal: AbortSignal, events: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const event of events) {
    if (signal.aborted) return;
    yield event;
  }
}

/** What is said in this way, or the answer that refuses. */
function ask<Said extends object>({ path, body }: EngineRequest, way: Way<Said>): Said | EngineAnswer {
  const bytes = body.length === 1 && body[0] !== undefined ? body[0] : Buffer.concat(body);
  const asked = parse(bytes);
  const known = KINDS[path];
  if (known === undefined) return refuse(404, `echo has no ${path}; it has ${Object.keys(KINDS).join(', ')}.`);
  if (asked === undefined) return refuse(400, 'The body should be a JSON object.');
  const say = way(known);
  if (say === undefined) return refuse(400, `echo does not stream ${path}; leave "stream" out.`);
  const said = say(asked, createHash('sha256').update(bytes).digest('hex').slice(0, 24));
  return typeof said === 'string' ? refuse(400, said) : said;
}

const isAnswer = (said: object): said is EngineAnswer => 'kind' in said && said.kind === 'answer';

const refuse = (status: number, message: string): EngineAnswer =>
  toAnswer(status, { error: { message, type: 'invalid_request_error', param: null, code: null } });

const toAnswer = (status: number, value: object): EngineAnswer => ({
  kind: 'answer',
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(value)),
});

function parse(bytes: Uint8Array): Fields | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
