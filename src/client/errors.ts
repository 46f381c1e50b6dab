/** Why a call did not do what was asked, read out of the reply or out of its absence. */
import { Problem, type ProblemCode } from '../base/problem.ts';
import type { StatusCode } from '../contract/errors.ts';

/** What is known beside the words. */
interface ApiErrorFacts extends ErrorOptions {
  readonly code: ProblemCode;
  readonly reason: string;
  readonly status: number;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly requestId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** A refusal of the server, or a server that can't be reached. Tell kinds by `code`, and exactly what is wrong by `reason`. */
export class ApiError extends Problem {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** What to quote to whoever runs the server; its log has the same id. */
  readonly requestId: string | undefined;
  /** How long the server asks to wait before the next try. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, { code, reason, details, status, requestId, retryAfterMs, cause }: ApiErrorFacts) {
    super(code, message, { reason, cause, ...(details && { details }) });
    this.status = status;
    this.requestId = requestId;
    this.retryAfterMs = retryAfterMs;
  }
}

/** google.rpc's codes by their numbers. */
const CODES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const satisfies readonly StatusCode[];

/** For replies that don't carry a code: those of proxies, and of links to files. */
const CODE_OF_STATUS: Readonly<Record<number, ProblemCode>> = {
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  405: 'UNIMPLEMENTED',
  408: 'DEADLINE_EXCEEDED',
  409: 'ABORTED',
  416: 'OUT_OF_RANGE',
  429: 'RESOURCE_EXHAUSTED',
  501: 'UNIMPLEMENTED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/** The error that a refused call's reply says. */
export async function toApiError(response: Response): Promise<ApiError> {
  const { status } = response;
  const text = await response.text().catch(() => '');
  const { message, ...facts } = readBody(text) ?? {
    message: `The server answered ${status} ${response.statusText}: ${text.slice(0, 200)}`.replace(/[: ]+$/, '.'),
    code: CODE_OF_STATUS[status] ?? (status < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL'),
    reason: `HTTP_${status}`,
  };
  return new ApiError(message, {
    ...facts,
    status,
    requestId: response.headers.get('x-request-id') ?? undefined,
    retryAfterMs: readRetryAfter(response.headers.get('retry-after')),
  });
}

/** The error of a call that got no answer, or only a part of one. */
export function toConnectionError(cause: unknown, url: string): ApiError {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const isTimeout = inner instanceof Error && inner.name === 'TimeoutError';
  const { origin } = new URL(url);
  const words = isTimeout ? `${origin} did not answer in time` : `Can't reach ${origin}: ${wordsOf(inner)}`;
  return new ApiError(`${words}.`, {
    code: isTimeout ? 'DEADLINE_EXCEEDED' : 'UNAVAILABLE',
    reason: isTimeout ? 'NO_ANSWER' : 'NO_CONNECTION',
    status: 0,
    cause,
  });
}

interface BodyFacts {
  readonly message: string;
  readonly code: ProblemCode;
  readonly reason: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

function readBody(text: string): BodyFacts | undefined {
  const body = parse(text);
  if (!isRecord(body)) return undefined;
  if (isRecord(body['error'])) return readEnvelope(body['error']);
  if (typeof body['message'] !== 'string' || typeof body['code'] !== 'number') return undefined;
  const code = CODES[body['code']];
  const details = Array.isArray(body['details']) ? body['details'].find(isRecord) : undefined;
  return {
    message: body['message'],
    code: code === undefined || code === 'OK' || code === 'UNKNOWN' ? 'INTERNAL' : code,
    reason: typeof details?.['reason'] === 'string' ? details['reason'] : (code ?? 'UNKNOWN'),
    ...(isRecord(details?.['metadata']) && { details: details['metadata'] }),
  };
}

/** The one refusal with an envelope of its own: the key. */
function readEnvelope({ message, code }: Readonly<Record<string, unknown>>): BodyFacts | undefined {
  if (typeof message !== 'string') return undefined;
  return code === 'UNAUTHORIZED'
    ? { message, code: 'UNAUTHENTICATED', reason: 'KEY_REFUSED' }
    : { message, code: 'INVALID_ARGUMENT', reason: typeof code === 'string' ? code : 'REFUSED' };
}

/** Seconds or a date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function readRetryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+(\.\d+)?$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

const wordsOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause);
  // A name with several addresses fails with all their errors and no message of its own.
  const first = cause instanceof AggregateError && cause.message === '' ? cause.errors[0] : cause;
  return first instanceof Error ? first.message : String(first);
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
