/** A worker's way to the API processes: each call is tried at one after the other, and may be repeated. */
import { setTimeout as delay } from 'node:timers/promises';
import { Problem, type ProblemCode } from '../base/problem.ts';
import { numberOf, STATUS_CODES } from '../contract/errors.ts';
import { TABLES_HEADER, WORKER_CALLS_PATH, type WorkerCall } from '../contract/worker-calls.ts';

export interface WorkerCallsOptions {
  /** Of API processes; all lead to the same database. */
  readonly urls: readonly string[];
  readonly token: string;
  /** The tables that this worker knows. */
  readonly tables: string;
  /** Told that a newer version has changed them: this worker may not go on. */
  readonly onOutdated: (problem: Problem) => void;
}

export interface CallOptions {
  /** Gives the call up; what was asked for may be done all the same. */
  readonly signal?: AbortSignal;
  /** How long the answer may take beyond the usual. */
  readonly waitMs?: number;
}

const ANSWER_MS = 15_000;
const TRIES = 3;
const AGAIN_MS = 200;

export class WorkerCalls {
  readonly #options: WorkerCallsOptions;
  /** Where the last call was answered. */
  #place = 0;

  constructor(options: WorkerCallsOptions) {
    this.#options = options;
  }

  /** Answers what was answered; rejects with a `Problem` when the call is refused, or when nobody answers. */
  async call(name: WorkerCall, request: object, options: CallOptions = {}): Promise<unknown> {
    for (let tried = 1; ; tried++) {
      try {
        return await this.#callOnce(name, request, options);
      } catch (cause) {
        const isOver = tried >= Math.max(TRIES, this.#options.urls.length);
        if (isOver || options.signal?.aborted === true || !(cause instanceof Problem) || cause.code !== 'UNAVAILABLE')
          throw cause;
        this.#place += 1;
        await delay(AGAIN_MS * tried, undefined, options.signal && { signal: options.signal });
      }
    }
  }

  async #callOnce(name: WorkerCall, request: object, { signal, waitMs = 0 }: CallOptions): Promise<unknown> {
    const { urls, token, tables } = this.#options;
    const url = urls[this.#place % urls.length] ?? '';
    const timeout = AbortSignal.timeout(ANSWER_MS + waitMs);
    const reply = await fetch(`${url}${WORKER_CALLS_PATH}/${name}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', [TABLES_HEADER]: tables },
      body: JSON.stringify(request),
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    }).then(readReply, (cause: unknown) => {
      throw unreachable(url, cause);
    });
    if (reply.problem === undefined) return reply.answer;
    if (reply.problem.reason === 'DATABASE_TOO_NEW') this.#options.onOutdated(reply.problem);
    throw reply.problem;
  }
}

interface Reply {
  readonly answer?: unknown;
  readonly problem?: Problem;
}

/** The body of an API process; of what is in between, whatever it likes. */
interface Body {
  readonly answer?: unknown;
  readonly code?: number;
  readonly message?: string;
  readonly details?: readonly { readonly reason?: string }[];
}

async function readReply(reply: Response): Promise<Reply> {
  const { status, url } = reply;
  const body = (await reply.json().catch((cause: unknown) => {
    throw unreachable(url, cause);
  })) as Body;
  if (reply.ok) return { answer: body.answer };
  const reason = body.details?.[0]?.reason ?? 'API_REFUSES';
  const message = body.message ?? `The API answers ${status} at ${url}.`;
  return { problem: new Problem(toCode(reply.status, { ...body, reason }), message, { reason }) };
}

/** What has no reason of its own, as when the database of the process is away, is another process's chance, or the same one's later. */
function toCode(status: number, { code, reason }: { readonly code?: number; readonly reason: string }): ProblemCode {
  const known = STATUS_CODES.find((name) => numberOf(name) === code);
  if (known === undefined || known === 'OK' || known === 'UNKNOWN' || reason === 'INTERNAL')
    return status >= 500 ? 'UNAVAILABLE' : 'FAILED_PRECONDITION';
  return known;
}

const unreachable = (url: string, cause: unknown): Problem =>
  new Problem('UNAVAILABLE', `The API can't be reached at ${url}. Check the address that --through names, and that it runs.`, {
    reason: 'API_UNREACHABLE',
    cause,
  });
