/** One request that somebody waits for, through the same engines as the rows of jobs and before them. */
import { setTimeout as delay } from 'node:timers/promises';
import { Problem } from '../base/problem.ts';
import { classifyEnd, classifyReply, type Verdict } from '../engines/classify-failure.ts';
import type { EngineAnswer, EngineStream } from '../engines/engine.ts';
import type { Slot } from '../engines/pool.ts';
import { makeLiveRequest } from '../jobs/live-request.ts';
import type { ServedModel } from '../jobs/served-model.ts';
import { scanObject } from '../jsonl/scan-object.ts';
import type { Caller, Context } from './context.ts';
import { findModel } from './find-model.ts';

/** What live requests need besides. */
export interface LiveContext extends Context {
  /** The engines behind a model, opened by now; the first call may take as long as a model's start. Absent where nothing answers live requests. */
  readonly serve?: (model: string) => Promise<ServedModel | undefined>;
}

/** A request whose body has been checked. */
export interface LiveRequest {
  /** As `/v1/chat/completions`. */
  readonly path: string;
  /** As the caller named it: a bare id or a full name. */
  readonly model: string;
  /** JSON, as it came. */
  readonly body: Buffer;
  readonly stream: boolean;
}

/** What came of it, and the engines that it came from. */
export interface LiveReply {
  readonly reply: EngineAnswer | EngineStream;
  readonly served: ServedModel;
}

/** Tries until its first byte is there; nothing can be tried again after that. */
const MOST_TRIES = 3;
const FIRST_PAUSE_MS = 100;
/** Who is asked to wait longer can do that as well as we. */
const LONGEST_PAUSE_MS = 2_000;

/**
 * The engine's answer, also where it refuses the request itself. Throws a `Problem`: `MODEL_NOT_FOUND`, `UNSUPPORTED_ENDPOINT`,
 * `LIVE_QUEUE_FULL`, `NO_ENGINE_ANSWERS`, `ENGINE_BUSY`, `ENGINE_FAILED`, `ENGINE_TOO_SLOW`, `REQUEST_GIVEN_UP`. The
 * detail `retryAfterSeconds` says when to come again, where that helps.
 */
export async function answerLive(
  context: LiveContext,
  caller: Caller,
  request: LiveRequest & { readonly signal: AbortSignal },
): Promise<LiveReply> {
  const served = await findServed(context, caller, request);
  for (let tries = 1; ; tries++) {
    const slot = await takePlace(served, caller, request.signal);
    const { reply, verdict } = await tryOnce(slot, request, served);
    if (reply !== undefined) return { reply, served };
    if (request.signal.aborted) throw givenUp();
    const pauseMs = verdict.retryAfterMs ?? FIRST_PAUSE_MS * 2 ** tries;
    const isOver = verdict.verdict === 'terminal' || TOO_SLOW.test(verdict.cause) || pauseMs > LONGEST_PAUSE_MS;
    if (isOver || tries === MOST_TRIES) throw toProblem(verdict);
    await delay(pauseMs, undefined, { signal: request.signal }).catch(() => undefined);
  }
}

async function findServed(context: LiveContext, caller: Caller, { model: name, path }: LiveRequest): Promise<ServedModel> {
  const model = await findModel(context, caller, { name }).catch(toNoModel);
  const served = await context.serve?.(model.name).catch(notOpened);
  if (served === undefined) throw noModel(`No engine serves ${model.name} at the moment.`);
  if (served.paths?.includes(path) ?? true) return served;
  throw new Problem('INVALID_ARGUMENT', `${model.name} does not answer ${path}, only ${served.paths?.join(', ')}.`, {
    reason: 'UNSUPPORTED_ENDPOINT',
    details: { field: 'model' },
  });
}

async function takePlace({ pool }: ServedModel, { accountId }: Caller, signal: AbortSignal): Promise<Slot> {
  try {
    return await pool.acquireLive(accountId, signal);
  } catch (cause) {
    throw signal.aborted ? givenUp(cause) : cause;
  }
}

interface Tried {
  readonly verdict: Verdict;
  /** Present when nothing further is to be tried. */
  readonly reply?: EngineAnswer | EngineStream;
}

async function tryOnce(slot: Slot, request: LiveRequest & { readonly signal: AbortSignal }, served: ServedModel): Promise<Tried> {
  const { path, stream, signal } = request;
  const engineRequest = { path, body: makeBody(slot, request, served) };
  const reply = await (stream ? slot.stream(engineRequest, signal) : slot.answer(engineRequest, signal));
  if (reply.kind === 'stream') {
    void reply.ended.then((end) => slot.release(signal.aborted ? undefined : classifyEnd(end)));
    return { verdict: OK, reply };
  }
  const verdict = classifyReply(reply);
  slot.release(signal.aborted ? undefined : verdict);
  if (reply.kind === 'silence') return { verdict };
  if (verdict.verdict === 'terminal') return { verdict, reply };
  if (verdict.verdict !== 'success') return { verdict };
  if (stream) return { verdict: NO_STREAM };
  return scanObject(reply.body) === undefined ? { verdict: BROKEN } : { verdict, reply };
}

/** A body that no request can be made of is our defect; it must not keep its place at the engine. */
function makeBody({ model, release }: Slot, { path, body, stream }: LiveRequest, served: ServedModel): Uint8Array[] {
  const pieces = makeLiveRequest(body, { ...served, path, model, stream });
  if (pieces !== undefined) return pieces;
  release();
  throw new Error('The body of a live request was checked and is no JSON object.');
}

const OK: Verdict = { verdict: 'success', cause: 'ok', message: '', refused: false };
const BROKEN: Verdict = {
  verdict: 'retry',
  cause: 'broken-answer',
  message: 'The engine answered something that is not JSON.',
  refused: false,
};
const NO_STREAM: Verdict = {
  verdict: 'terminal',
  cause: 'no-stream',
  message: 'The engine of this model does not stream: leave "stream" out.',
  refused: false,
};

/** Who asks now has nothing of a model that may be served later. */
function toNoModel(cause: unknown): never {
  const isMissing = cause instanceof Problem && ['MODEL_NOT_FOUND', 'MODEL_NOT_SERVED'].includes(cause.reason);
  throw isMissing ? noModel(cause.message) : cause;
}

/** The log of the engine's start says more. */
function notOpened(cause: unknown): never {
  throw new Problem('UNAVAILABLE', 'The engine of this model could not be started. Tell who runs this server.', {
    reason: 'NO_ENGINE_ANSWERS',
    cause,
  });
}

const noModel = (message: string): Problem =>
  new Problem('NOT_FOUND', message, { reason: 'MODEL_NOT_FOUND', details: { field: 'model' } });

const givenUp = (cause?: unknown): Problem =>
  new Problem('CANCELLED', 'The request was given up by its sender.', { reason: 'REQUEST_GIVEN_UP', cause });

/** Nobody waits so long twice. */
const TOO_SLOW = /^(?:first-byte|idle|total)-timeout$/;

/** What the caller is told when all tries have failed. Keys and models are between us and the engine: its words on them stay here. */
function toProblem({ verdict, cause, message, status, retryAfterMs = 1_000 }: Verdict): Problem {
  const details = { retryAfterSeconds: Math.ceil(retryAfterMs / 1_000) };
  if (cause === 'no-stream')
    return new Problem('UNIMPLEMENTED', message, { reason: 'UNSUPPORTED_ENDPOINT', details: { field: 'stream' } });
  if (verdict === 'fatal')
    return new Problem(
      'UNAVAILABLE',
      'The engine of this model refuses our key or the model itself. Tell who runs this server.',
      {
        reason: 'NO_ENGINE_ANSWERS',
        details,
      },
    );
  if (status === 429) return new Problem('RESOURCE_EXHAUSTED', message, { reason: 'ENGINE_BUSY', details });
  if (TOO_SLOW.test(cause)) return new Problem('DEADLINE_EXCEEDED', message, { reason: 'ENGINE_TOO_SLOW' });
  return new Problem('UNAVAILABLE', message, { reason: 'ENGINE_FAILED', details });
}
