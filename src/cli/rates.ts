/** How fast rows and tokens come, over the last minute, and how long the rest will take. */
import type { RunProgress } from './doors.ts';

const WINDOW_MS = 60_000;
const SAMPLE_EVERY_MS = 1_000;
/** Before this much time or this share of the rows, a forecast would be a guess. */
const FORECAST_AFTER_MS = 30_000;
const FORECAST_AFTER_SHARE = 0.01;

interface Sample {
  readonly atMs: number;
  readonly rows: number;
  readonly tokens: number;
}

export interface Rates {
  readonly rowsPerSecond: number;
  readonly tokensPerSecond: number;
  /** Absent while it would be a guess, or while nothing moves. */
  readonly etaMs?: number;
}

/** Remembers a minute of progress, one sample a second. */
export class RateWindow {
  #samples: Sample[] = [];
  #startedAtMs = 0;

  /** The rates when `progress` is what is known at `nowMs`; call it at least once a second. */
  measure(progress: RunProgress, nowMs: number): Rates {
    const latest = { atMs: nowMs, rows: progress.ok + progress.failed, tokens: progress.outputTokens };
    this.#remember(latest, progress);
    const oldest = this.#samples[0] ?? latest;
    const seconds = (nowMs - oldest.atMs) / 1_000;
    if (seconds <= 0) return { rowsPerSecond: 0, tokensPerSecond: 0 };
    const rowsPerSecond = (latest.rows - oldest.rows) / seconds;
    const tokensPerSecond = (latest.tokens - oldest.tokens) / seconds;
    if (rowsPerSecond <= 0 || !this.#canForecast(progress, nowMs)) return { rowsPerSecond, tokensPerSecond };
    return { rowsPerSecond, tokensPerSecond, etaMs: ((progress.total - latest.rows) / rowsPerSecond) * 1_000 };
  }

  #remember(latest: Sample, progress: RunProgress): void {
    if (this.#samples.length === 0) {
      this.#startedAtMs = latest.atMs - progress.elapsedMs;
      this.#samples.push(before(progress, this.#startedAtMs, latest));
    }
    const last = this.#samples.at(-1);
    if (last === undefined || latest.atMs - last.atMs >= SAMPLE_EVERY_MS) this.#samples.push(latest);
    while ((this.#samples[1]?.atMs ?? latest.atMs) < latest.atMs - WINDOW_MS) this.#samples.shift();
  }

  #canForecast(progress: RunProgress, nowMs: number): boolean {
    const toDo = progress.total - progress.doneBefore;
    const done = progress.ok + progress.failed - progress.doneBefore;
    return nowMs - this.#startedAtMs >= FORECAST_AFTER_MS || done >= toDo * FORECAST_AFTER_SHARE;
  }
}

/** The moment before the first row of this run. What earlier runs used is only known when there were none. */
const before = (progress: RunProgress, atMs: number, latest: Sample): Sample => ({
  atMs,
  rows: progress.doneBefore,
  tokens: progress.doneBefore === 0 ? 0 : latest.tokens,
});
