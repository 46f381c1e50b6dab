/** Requests that somebody waits for: `/chat/completions`, `/completions`, `/embeddings`, `/responses`. They are not billed: that is for batches. */
import type { z } from 'zod';
import { answerLive, type LiveReply } from '../../actions/answer-live.ts';
import { Problem } from '../../base/problem.ts';
import {
  ChatCompletion,
  ChatCompletionRequest,
  Completion,
  CompletionRequest,
  EmbeddingList,
  EmbeddingRequest,
  Response as ModelResponse,
  ResponseRequest,
} from '../../contract/openai/live.ts';
import { requestFields } from '../../jobs/request-fields.ts';
import type { ServedModel } from '../../jobs/served-model.ts';
import type { Call, Route } from '../route.ts';
import { LiveMemory } from './live-memory.ts';
import { toStreamedReply, toWholeReply } from './live-reply.ts';
import { type ReadLiveRequest, readLiveRequest } from './live-request.ts';
import { toOpenAiError } from './openai-errors.ts';
import { openaiRoute } from './openai-route.ts';

interface Kind {
  /** After the prefix. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly request: z.ZodType;
  readonly reply: z.ZodType;
}

const liveRoute = ({ path, operationId, summary, request, reply }: Kind): Route =>
  openaiRoute({
    method: 'post',
    path,
    tag: 'OpenAI: live inference',
    operationId,
    summary,
    // Everything is answered and nothing kept.
    changes: false,
    rawBody: request,
    reply,
    handle: (call) => answer(call, `/v1${path}`),
  });

/** The routes of live inference. */
export const liveRoutes: readonly Route[] = [
  liveRoute({
    path: '/chat/completions',
    operationId: 'createChatCompletion',
    summary: 'Go on with a conversation',
    request: ChatCompletionRequest,
    reply: ChatCompletion,
  }),
  liveRoute({
    path: '/completions',
    operationId: 'createCompletion',
    summary: 'Go on with a text',
    request: CompletionRequest,
    reply: Completion,
  }),
  liveRoute({
    path: '/embeddings',
    operationId: 'createEmbedding',
    summary: 'Make vectors of texts',
    request: EmbeddingRequest,
    reply: EmbeddingList,
  }),
  liveRoute({
    path: '/responses',
    operationId: 'createResponse',
    summary: 'Answer through the Responses API, where the engine has it',
    request: ResponseRequest,
    reply: ModelResponse,
  }),
];

type LiveCall = Call<unknown, unknown>;

/** What an account may have under way: so many of the largest, or a thousand of the usual. */
const AT_ONCE = 4;
/** Of this process. */
const memory = new LiveMemory();

async function answer(call: LiveCall, path: string): Promise<Response> {
  const held = memory.hold(call.caller.accountId, AT_ONCE * call.context.limits.liveBytes);
  try {
    const request = await readLiveRequest(call.http.req, path, { ...call.context.limits, onBytes: held.add });
    const { response, ended } = await send(call, request);
    // The body is there until it was answered to the end.
    void ended.then(held.end);
    return response;
  } catch (cause) {
    held.end();
    return refuse(call, cause);
  }
}

async function send({ context, caller, http }: LiveCall, request: ReadLiveRequest) {
  const beganMs = performance.now();
  const left = new AbortController();
  const signal = AbortSignal.any([http.req.raw.signal, left.signal]);
  const { reply, served } = await answerLive(context, caller, { ...request, signal });
  const headers = toHeaders(served, { path: request.path, beganMs, isStream: reply.kind === 'stream' });
  if (reply.kind === 'answer') return { response: toWholeReply(reply, headers), ended: Promise.resolve() };
  return { response: toStreamedReply(reply, { request, headers, giveUp: () => left.abort() }), ended: reply.ended };
}

interface Sent {
  readonly path: string;
  readonly beganMs: number;
  readonly isStream: boolean;
}

/** Seconds, and what the request got where it did not say. */
function toHeaders({ pool, defaults = {}, maxTokensLimit }: LiveReply['served'], { path, beganMs, isStream }: Sent) {
  const seconds = ((performance.now() - beganMs) / 1_000).toFixed(3);
  const fields = requestFields(defaults, path, maxTokensLimit ?? Number.POSITIVE_INFINITY);
  return {
    [isStream ? 'fireworks-server-time-to-first-token' : 'fireworks-server-processing-time']: seconds,
    'fireworks-sampling-options': toHeaderText(`{${fields.map(({ bytes }) => bytes.toString()).join()}}`),
    ...toRateLimits(pool),
  };
}

const toRateLimits = (pool: ServedModel['pool']) => {
  const { limit, remaining } = pool.liveRoom();
  return { 'x-ratelimit-limit-requests': `${limit}`, 'x-ratelimit-remaining-requests': `${remaining}` };
};

/** JSON that a header can hold. */
const toHeaderText = (json: string): string =>
  json.replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** A refusal's headers; all else is the dialect's. */
function refuse({ http }: LiveCall, cause: unknown): Response {
  if (!(cause instanceof Problem)) throw cause;
  const { retryAfterSeconds } = cause.details;
  if (typeof retryAfterSeconds === 'number') http.header('retry-after', `${retryAfterSeconds}`);
  if (cause.code === 'RESOURCE_EXHAUSTED') http.header('x-ratelimit-over-limit', 'yes');
  // The rest of the body is not read, so that nothing can come after it.
  if (cause.reason === 'LIVE_MEMORY_FULL') http.header('connection', 'close');
  if (cause.reason !== 'BODY_TOO_LARGE') throw cause;
  return http.json(toOpenAiError(cause, 413), 413, { connection: 'close' });
}
