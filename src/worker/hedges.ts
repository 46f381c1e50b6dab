/**
 * Which rows of a run are stragglers: nothing is left to be handed out, and they take far longer than nearly all others did. Each of them may be asked a second
 * time, and few of all rows are: whoever bills by the token bills both.
 */

/** Far longer: so many times what nearly all take. */
const TIMES = 3;
const NEARLY_ALL = 0.95;
/** How many of the latest rows tell how long rows take, and how few tell nothing. */
const LATEST_ROWS = 256;
const FEWEST_ROWS = 20;
/** Of all rows of a run at most these are asked twice. */
const MOST_SHARE = 0.05;

interface HedgesOptions {
  /** A row that takes less is no straggler. */
  readonly afterMs: number;
  /** True when no row is left to be handed out. */
  readonly isNearEnd: () => boolean;
}

/** A row in flight. */
interface Watched {
  readonly sinceMs: number;
  /** Resolves when it is to be asked a second time. */
  readonly late: Promise<undefined>;
  readonly tell: (nothing: undefined) => void;
}

export class Hedges {
  readonly #options: HedgesOptions;
  /** Oldest first. */
  readonly #watched = new Set<Watched>();
  readonly #latestMs: number[] = [];
  #rows = 0;
  #ended = 0;
  #hedged = 0;
  #told = { hedges: 0, wins: 0 };
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HedgesOptions) {
    this.#options = options;
  }

  /** A row goes to an engine. */
  watch(): Watched {
    const { promise: late, resolve: tell } = Promise.withResolvers<undefined>();
    const watched = { sinceMs: performance.now(), late, tell };
    this.#watched.add(watched);
    this.#rows += 1;
    this.#timer ??= setInterval(() => this.#look(), Math.min(1_000, this.#options.afterMs / 4)).unref();
    return watched;
  }

  /** It has ended, whoever answered it. */
  ended(watched: Watched): void {
    this.#watched.delete(watched);
    this.#latestMs[this.#ended % LATEST_ROWS] = performance.now() - watched.sinceMs;
    this.#ended += 1;
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The second request answered before the first. */
  won(): void {
    this.#told.wins += 1;
  }

  /** How many rows were asked a second time, and with what success, since this was last asked. */
  take(): { readonly hedges: number; readonly wins: number } {
    const told = this.#told;
    this.#told = { hedges: 0, wins: 0 };
    return told;
  }

  #look(): void {
    const { afterMs, isNearEnd } = this.#options;
    if (this.#latestMs.length < FEWEST_ROWS || !isNearEnd()) return;
    const known = this.#latestMs.toSorted((a, b) => a - b);
    const longMs = Math.max(afterMs, TIMES * (known[Math.floor(known.length * NEARLY_ALL)] ?? 0));
    for (const watched of this.#watched) {
      if (performance.now() - watched.sinceMs < longMs || this.#hedged >= Math.ceil(this.#rows * MOST_SHARE)) return;
      this.#watched.delete(watched);
      this.#hedged += 1;
      this.#told.hedges += 1;
      watched.tell(undefined);
    }
  }
}
