/** When an event is sent again that did not arrive. */

const FIRST_WAIT_MS = 5_000;
const FACTOR = 4;
const LONGEST_WAIT_MS = 4 * 3_600_000;
/** From the first attempt to the last. */
const GIVE_UP_MS = 24 * 3_600_000;

/** What is known after a failed attempt. */
export interface FailedDelivery {
  /** How many attempts were made. */
  readonly attempts: number;
  readonly firstAt: Date;
  readonly now: Date;
  /** What the receiver asked for. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * The next attempt: after about 5 s, 20 s, 80 s, 5 min, 21 min, 85 min, then every 4 hours, each up to half earlier so that what failed together does not
 * come back together, and not before the receiver wants it. The last is 24 hours after the first; undefined means that it was made.
 */
export function nextDelivery(
  { attempts, firstAt, now, retryAfterMs = 0 }: FailedDelivery,
  random: () => number = Math.random,
): Date | undefined {
  const lastMs = firstAt.getTime() + GIVE_UP_MS;
  if (now.getTime() >= lastMs) return undefined;
  const backoffMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * FACTOR ** (attempts - 1)) * (1 - random() / 2);
  const waitMs = Math.max(backoffMs, Math.min(LONGEST_WAIT_MS, retryAfterMs));
  return new Date(Math.min(lastMs, Math.ceil(now.getTime() + waitMs)));
}
