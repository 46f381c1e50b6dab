/** Asks again and again until something is so. */
import { ApiError } from './errors.ts';
import { pause } from './retry.ts';

const FIRST_INTERVAL_MS = 250;
const LONGEST_INTERVAL_MS = 3_000;

/** How to wait. */
export interface WaitOptions<T> {
  /** Ends the waiting, not what is waited for. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which it rejects with DEADLINE_EXCEEDED. Default: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds between two looks. Default: 250 at first, growing to 3,000. */
  readonly intervalMs?: number | undefined;
  /** Gets what each look has seen. Default: nobody is told. */
  readonly onProgress?: ((seen: T) => void) | undefined;
}

/** Looks until `isOver`; answers what it saw then. */
export async function waitUntil<T>(look: () => Promise<T>, isOver: (seen: T) => boolean, options: WaitOptions<T>): Promise<T> {
  const { signal, timeoutMs, intervalMs, onProgress } = options;
  const giveUpAt = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
  for (let waitMs = intervalMs ?? FIRST_INTERVAL_MS; ; waitMs = intervalMs ?? Math.min(waitMs * 1.3, LONGEST_INTERVAL_MS)) {
    const seen = await look();
    onProgress?.(seen);
    if (isOver(seen)) return seen;
    const leftMs = giveUpAt - performance.now();
    if (leftMs <= 0) throw tookTooLong(timeoutMs ?? 0);
    await pause(Math.min(waitMs, leftMs), signal);
  }
}

const tookTooLong = (timeoutMs: number): ApiError =>
  new ApiError(`Waited ${timeoutMs / 1000} s, and it is not over yet. It goes on; wait again, or longer.`, {
    code: 'DEADLINE_EXCEEDED',
    reason: 'WAIT_TIMEOUT',
    status: 0,
  });

/** Looks until the thing is gone. */
export const waitUntilGone = async (look: () => Promise<unknown>, options: WaitOptions<boolean> = {}): Promise<void> => {
  const isGone = () =>
    look().then(
      () => false,
      (error: unknown) => {
        if (error instanceof ApiError && error.code === 'NOT_FOUND') return true;
        throw error;
      },
    );
  await waitUntil(isGone, (gone) => gone, options);
};
