const EVERY_MS = 3600 * 1000;

/** A chore that does something at its first call and then every hour. */
export function everyHour(chore: () => Promise<unknown>): () => Promise<void> {
  let nextMs = Number.NEGATIVE_INFINITY;
  return async () => {
    const now = performance.now();
    if (now < nextMs) return;
    nextMs = now + EVERY_MS;
    await chore();
  };
}
