/** A chore that does something at its first call and then every so often. */
const every =
  (everyMs: number) =>
  (chore: () => Promise<unknown>): (() => Promise<void>) => {
    let nextMs = Number.NEGATIVE_INFINITY;
    return async () => {
      const now = performance.now();
      if (now < nextMs) return;
      nextMs = now + everyMs;
      await chore();
    };
  };

/** Now, and then every hour. */
export const everyHour = every(3600 * 1000);

/** Now, and then every minute. */
export const everyMinute = every(60 * 1000);
