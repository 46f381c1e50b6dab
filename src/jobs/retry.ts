const BASE_MS = 500;
const CAP_MS = 60_000;
/** An engine that asks for more than this is asked again anyway. */
const RETRY_AFTER_CAP_MS = 600_000;

/**
 * How long to wait before attempt number `attempt` (from 1): exponential, at most a minute, and half of it random so that rows which
 * failed together don't come back together. An engine that names a time is left alone for at least that long.
 */
export function nextAttempt(attempt: number, retryAfterMs = 0, random: () => number = Math.random): number {
  const ceilingMs = Math.min(CAP_MS, BASE_MS * 2 ** attempt);
  const backoffMs = ceilingMs * (1 - random() / 2);
  const askedMs = Math.min(RETRY_AFTER_CAP_MS, retryAfterMs) * (1 + random() / 10);
  return Math.round(Math.max(backoffMs, askedMs));
}
