import type { Progress } from './job.ts';

/** Of a job that has not begun. */
export const NOTHING_DONE: Progress = { ok: 0, failed: 0, inputTokens: 0, outputTokens: 0, cachedTokens: 0, bytes: 0 };

/** What was done in several places, together. */
export const addUp = (all: readonly Progress[]): Progress =>
  all.reduce(
    (sum, { ok, failed, inputTokens, outputTokens, cachedTokens, bytes }) => ({
      ok: sum.ok + ok,
      failed: sum.failed + failed,
      inputTokens: sum.inputTokens + inputTokens,
      outputTokens: sum.outputTokens + outputTokens,
      cachedTokens: sum.cachedTokens + cachedTokens,
      bytes: sum.bytes + bytes,
    }),
    NOTHING_DONE,
  );
