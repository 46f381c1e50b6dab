/**
 * How many requests and tokens an engine may get a minute. Both run into a bucket that holds a tenth of a minute's worth, so that nothing comes in one
 * burst. What a request costs in tokens is only known when it is answered: until then it is counted as the mean of those before it.
 */
export interface BudgetOptions {
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
}

const MINUTE_MS = 60_000;
const BURST_MS = 6_000;
/** How much the latest answer says of the next. */
const LATEST = 0.1;

export class Budget {
  readonly #requests: Bucket | undefined;
  readonly #tokens: Bucket | undefined;
  #meanTokens = 0;

  constructor({ requestsPerMinute, tokensPerMinute }: BudgetOptions) {
    this.#requests = requestsPerMinute === undefined ? undefined : new Bucket(requestsPerMinute);
    this.#tokens = tokensPerMinute === undefined ? undefined : new Bucket(tokensPerMinute);
  }

  /** True when tokens matter. */
  get countsTokens(): boolean {
    return this.#tokens !== undefined;
  }

  /** The part of it that is ours: others use the same engine. From 0 to 1. */
  share(part: number): void {
    for (const bucket of [this.#requests, this.#tokens]) if (bucket !== undefined) bucket.part = part;
  }

  /** When the next request may leave; not after `nowMs` means now. */
  opensAtMs(nowMs: number): number {
    return nowMs + Math.max(0, ...[this.#requests, this.#tokens].map((bucket) => bucket?.waitMs(nowMs) ?? 0));
  }

  /** A request leaves. */
  spend(nowMs: number): void {
    this.#requests?.take(1, nowMs);
    this.#tokens?.take(this.#meanTokens, nowMs);
  }

  /** A request that was to leave stayed. */
  refund(nowMs: number): void {
    this.#requests?.take(-1, nowMs);
    this.#tokens?.take(-this.#meanTokens, nowMs);
  }

  /** What a request that has left turned out to cost; undefined: nobody says. */
  settle(tokens: number | undefined, nowMs: number): void {
    if (tokens === undefined) return;
    this.#tokens?.take(tokens - this.#meanTokens, nowMs);
    this.#meanTokens = this.#meanTokens === 0 ? tokens : this.#meanTokens + LATEST * (tokens - this.#meanTokens);
  }
}

/** May be overdrawn: it opens again once it is full enough for one more. */
class Bucket {
  readonly #perMinute: number;
  part = 1;
  #level: number;
  #atMs = Number.NEGATIVE_INFINITY;

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
    this.#level = this.#most;
  }

  waitMs(nowMs: number): number {
    this.#fill(nowMs);
    // Sums of fractions fall short of a whole by less than this.
    const missing = Math.min(1, this.#most) - this.#level - 1e-6;
    return missing <= 0 ? 0 : (missing / (this.#perMinute * this.part)) * MINUTE_MS;
  }

  take(amount: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#level -= amount;
  }

  get #most(): number {
    return Math.max(1, (this.#perMinute * this.part * BURST_MS) / MINUTE_MS);
  }

  #fill(nowMs: number): void {
    const passedMs = Number.isFinite(this.#atMs) ? Math.max(0, nowMs - this.#atMs) : 0;
    this.#level = Math.min(this.#most, this.#level + (passedMs * this.#perMinute * this.part) / MINUTE_MS);
    this.#atMs = nowMs;
  }
}

/** What an answer says that it cost, prompt included; the usage of most engines stands at its end. */
export function readTotalTokens(body: Buffer): number | undefined {
  const at = body.lastIndexOf('"total_tokens"');
  if (at === -1) return undefined;
  const [, digits] = /^"total_tokens"\s*:\s*(\d{1,9})/.exec(body.toString('latin1', at, at + 40)) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
