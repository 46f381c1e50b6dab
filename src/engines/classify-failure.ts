/** What a reply means for its row: the only place where that is decided. */
import type { EngineAnswer, EngineReply, EngineSilence, StreamEnd } from './engine.ts';
import { type ErrorBody, readErrorBody } from './error-body.ts';

export interface Verdict {
  /**
   * `success`; `retry`: may go well another time; `terminal`: this row will never succeed;
   * `fatal`: no row will succeed on this engine, as its key or its model is refused.
   */
  readonly verdict: 'success' | 'retry' | 'terminal' | 'fatal';
  /** Stable, for programs and for grouping: `rate-limited`, `bad-request`, `idle-timeout`. */
  readonly cause: string;
  /** For people; the engine's own words where it had some. */
  readonly message: string;
  /** The HTTP status, when there was an answer; of an error behind a 200 its own. */
  readonly status?: number;
  /** How long the engine asks to be left alone. */
  readonly retryAfterMs?: number;
  /** True when the engine did not work on the row at all, so that this try does not count as an attempt. */
  readonly refused: boolean;
}

type Judgement = Pick<Verdict, 'verdict' | 'cause'> & { readonly refused?: boolean };

/** A gateway may answer with a page of megabytes, which would stand in a row, in the log and in the job's status. */
const LONGEST_WORDS = 10_000;

/** Judges a reply. A success may still turn out not to be JSON: whoever reads the body sees that. */
export function classifyReply(reply: EngineReply, now = Date.now()): Verdict {
  if (reply.kind === 'silence') return classifySilence(reply);
  if (isSuccess(reply)) return { verdict: 'success', cause: 'ok', message: '', status: reply.status, refused: false };
  const error = readErrorBody(reply.body);
  // What a gateway hides behind a 200 is what it is.
  const status = reply.status < 300 ? toStatus(error) : reply.status;
  const message = error.message === '' ? `HTTP ${status}` : error.message.slice(0, LONGEST_WORDS).toWellFormed();
  const retryAfterMs = readRetryAfter(reply.headers, now);
  const judgement = judge(status, error);
  return { refused: false, ...judgement, message, status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

/** Judges a stream that has ended. */
export const classifyEnd = ({ silence }: StreamEnd): Verdict =>
  silence === undefined
    ? { verdict: 'success', cause: 'ok', message: '', status: 200, refused: false }
    : classifySilence(silence);

function classifySilence({ cause, message }: EngineSilence): Verdict {
  if (cause === 'too-large' || cause === 'crashed') return { verdict: 'terminal', cause, message, refused: false };
  // Neither reached the engine with the row; an abort is our own doing.
  const refused = cause === 'connection' || cause === 'connect-timeout' || cause === 'aborted';
  return { verdict: 'retry', cause, message, refused };
}

/** Some gateways say 200 and put an error in the body. */
const ERROR_FIRST = /^\s*\{\s*"error"\s*:\s*[{"]/;

const isSuccess = ({ status, body }: EngineAnswer): boolean =>
  status >= 200 && status < 300 && !ERROR_FIRST.test(body.toString('latin1', 0, 64));

function toStatus({ code }: ErrorBody): number {
  const status = Number(code);
  return status >= 400 && status < 600 ? status : 502;
}

const TRANSIENT: ReadonlySet<number> = new Set([408, 409, 425, 499]);

function judge(status: number, error: ErrorBody): Judgement {
  if (status === 429) return judgeTooMany(error);
  if (status === 503 || status === 529) return judgeUnavailable(error);
  if (status >= 300 && status < 400) return { verdict: 'fatal', cause: 'redirected' };
  if (status === 401 || (status === 403 && !isModeration(error))) return { verdict: 'fatal', cause: 'key-refused' };
  if (status === 402) return { verdict: 'fatal', cause: 'quota-exhausted' };
  if (TRANSIENT.has(status) || (status >= 500 && status !== 501)) return { verdict: 'retry', cause: `http-${status}` };
  if (isModelGone(error)) return { verdict: 'fatal', cause: 'model-gone' };
  return { verdict: 'terminal', cause: isTooLong(error) ? 'context-too-long' : (CAUSES[status] ?? `http-${status}`) };
}

const CAUSES: Readonly<Record<number, string>> = {
  400: 'bad-request',
  403: 'moderated',
  404: 'not-found',
  413: 'request-too-large',
  422: 'bad-request',
};

/** Waiting does not help an account without money. */
const judgeTooMany = ({ type, code }: ErrorBody): Judgement =>
  [type, code].includes('insufficient_quota')
    ? { verdict: 'fatal', cause: 'quota-exhausted' }
    : { verdict: 'retry', cause: 'rate-limited', refused: true };

const judgeUnavailable = ({ message }: ErrorBody): Judgement => ({
  verdict: 'retry',
  cause: /\bloading\b/i.test(message) ? 'engine-loading' : 'engine-overloaded',
  refused: true,
});

const isModeration = ({ message }: ErrorBody): boolean => /moderat|flagged|content (?:policy|filter)/i.test(message);

const isTooLong = ({ message, type, code }: ErrorBody): boolean =>
  code === 'context_length_exceeded' || type === 'exceed_context_size_error' || /maximum context length/i.test(message);

const isModelGone = ({ message, code }: ErrorBody): boolean =>
  code === 'model_not_found' || MODEL_GONE.some((words) => words.test(message));

/** OpenAI and vLLM, Ollama, OpenRouter. They name the model between the two words. */
const MODEL_GONE = [/^(?:the )?model .{1,300}? (?:does not exist|not found|is not available)/i, /is not a valid model id/i];

/** Milliseconds, seconds, or a date. */
export function readRetryAfter(headers: EngineAnswer['headers'], now: number): number | undefined {
  const exact = Number.parseFloat(headers['retry-after-ms'] ?? '');
  if (exact >= 0) return exact;
  const said = headers['retry-after'] ?? '';
  const seconds = Number(said);
  const wait = Number.isNaN(seconds) ? Date.parse(said) - now : seconds * 1_000;
  return said === '' || Number.isNaN(wait) ? undefined : Math.max(0, wait);
}
