/** A simulated engine in real time: `EngineTime` told by the clock. */
import { type EngineShape, EngineTime, efficiencyOf, timeTo90, type Work } from './engine-time.ts';
import type { Blocks } from './prefix-cache.ts';
import { lognormal, makeRandom } from './random.ts';

/** How one request ended: refused at the door, failed when it would have been done, or answered. */
export type Outcome = 'refused' | 'failed' | { readonly tokens: number; readonly cachedTokens: number };

/** What an engine has done since its first request, in the words of `Backlog`. */
export interface EngineReport {
  readonly serviceTimes: number;
  readonly efficiency: number;
  readonly steady: number;
  /** Null: never. */
  readonly to90: number | null;
  readonly refusedShare: number;
  readonly queued: number;
}

interface Request extends Work {
  readonly tokens: number;
  readonly done: (outcome: Outcome) => void;
}

/** Tokens of an answer that is one unit of work. */
export const UNIT_TOKENS = 256;

export class RealEngine {
  readonly #time: EngineTime<Request>;
  readonly #random;
  readonly #work = lognormal(1);
  #startMs: number | undefined;
  #changedAt = 0;
  #asked = 0;
  #refused = 0;
  /** Share of the requests that fail instead of being answered. */
  failing = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(shape: EngineShape, seed: number) {
    this.#time = new EngineTime(shape);
    this.#random = makeRandom(seed);
  }

  get gauge(): { readonly running: number; readonly waiting: number } {
    this.#catchUp();
    return { running: this.#time.running, waiting: this.#time.waiting };
  }

  /** Works on a request; `tokens` fixes how long its answer is, else that is drawn. */
  ask(prompt: Blocks, tokens: number | undefined): Promise<Outcome> {
    this.#startMs ??= performance.now();
    this.#catchUp();
    this.#asked += 1;
    if (this.#time.isFull) {
      this.#refused += 1;
      return Promise.resolve('refused');
    }
    const work = tokens === undefined ? this.#work(this.#random) : tokens / UNIT_TOKENS;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.#time.take({ work, prompt, tokens: tokens ?? Math.ceil(UNIT_TOKENS * work), done: resolve });
    this.#setTimer();
    return promise;
  }

  /** Becomes smaller or larger; the report's second half begins here. */
  resize(slots: number): void {
    this.#catchUp();
    this.#changedAt = this.#time.windows.length;
    this.#time.resize(slots);
    this.#time.admit();
    this.#setTimer();
  }

  report(): EngineReport {
    this.#catchUp();
    // The last one is not over.
    const windows = this.#time.windows.slice(0, -1);
    const late = windows.slice(this.#changedAt || windows.length >> 1);
    const to90 = timeTo90(this.#changedAt === 0 ? windows : late);
    return {
      serviceTimes: windows.length,
      efficiency: efficiencyOf(windows),
      steady: efficiencyOf(late),
      to90: Number.isFinite(to90) ? to90 : null,
      refusedShare: this.#refused / this.#asked,
      queued: late.reduce((sum, { queued }) => sum + queued, 0) / late.length,
    };
  }

  /** The model's time runs exactly, however late a timer is: what was due ends at its own moment, and its slot goes on at once. */
  #catchUp(): void {
    if (this.#startMs === undefined) return;
    const untilMs = performance.now() - this.#startMs;
    while (this.#time.nextDoneMs <= untilMs) {
      this.#time.advanceTo(this.#time.nextDoneMs);
      this.#end(this.#time.finish());
      this.#time.admit();
    }
    this.#time.advanceTo(untilMs);
  }

  #end(request: Request | undefined): void {
    if (request === undefined) return;
    const isFailure = this.failing > 0 && this.#random() < this.failing;
    request.done(isFailure ? 'failed' : { tokens: request.tokens, cachedTokens: this.#time.cachedOf(request) });
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    const { nextDoneMs } = this.#time;
    if (nextDoneMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      () => {
        this.#catchUp();
        this.#setTimer();
      },
      Math.max(0, nextDoneMs - this.#time.nowMs),
    );
  }
}
