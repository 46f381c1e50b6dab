/** When a call is tried again, and after how long. */
import { ApiError } from './errors.ts';

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8_000;
/** A server that asks for more than this is not waited for. */
const LONGEST_ASKED_WAIT_MS = 60_000;

export interface RetryOptions {
  /** How often at most, after the first try. */
  readonly retries: number;
  /** True when doing it twice is as good as doing it once. */
  readonly isRepeatable: boolean;
  /** True when the try that failed has brought the matter on: then the tries are counted anew. */
  readonly hasMoved?: () => boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Calls until it works, until the error is one that stays, or until the tries are used up. `attempt` gets the number of tries before it. */
export async function withRetries<T>(
  attempt: (triesBefore: number) => Promise<T>,
  { retries, isRepeatable, hasMoved, signal }: RetryOptions,
): Promise<T> {
  for (let tries = 0, all = 0; ; tries++, all++) {
    try {
      return await attempt(all);
    } catch (error) {
      if (hasMoved?.()) tries = 0;
      if (tries >= retries || !(error instanceof ApiError) || !canPass(error, isRepeatable)) throw error;
      const waitMs = error.retryAfterMs ?? backoffMs(tries);
      if (waitMs > LONGEST_ASKED_WAIT_MS) throw error;
      await pause(waitMs, signal);
    }
  }
}

/** Resolves after the time; rejects with the signal's reason when that comes first. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** The server has surely done nothing at 429 and 503. After a lost connection or another 5xx nobody knows. A conflict passes only when it is one of timing. */
function canPass({ status, code, reason }: ApiError, isRepeatable: boolean): boolean {
  if (reason === 'IDEMPOTENCY_KEY_OUTCOME_UNKNOWN') return false;
  if (status === 429 || status === 503) return true;
  if (reason === 'HTTP_409' || code === 'ABORTED') return true;
  if (status === 501) return false;
  return isRepeatable && (status === 0 || status === 408 || status >= 500);
}

/** Full jitter: callers that failed together don't come back together. */
const backoffMs = (tries: number): number => Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries);
