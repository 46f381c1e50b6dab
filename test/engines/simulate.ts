/** A simulated engine with an endless backlog: it shows in a second what a limiter does in an hour. */
import { Limiter, type LimiterOptions } from '../../src/engines/limiter.ts';

export interface Simulation {
  readonly slots: number;
  /** Requests that may wait in the engine; beyond it they are refused. Default all. */
  readonly queue?: number;
  /** In mean service times. */
  readonly duration: number;
  readonly seed: number;
  /** At this time the engine becomes smaller or larger. */
  readonly change?: { readonly at: number; readonly slots: number };
  readonly limiter?: LimiterOptions;
}

export interface SimulationResult {
  /** Work done, as a share of what the engine's slots could have done. */
  readonly efficiency: number;
  /** The same, for the second half, or for the time after a change. */
  readonly steady: number;
  readonly refusedShare: number;
  readonly lastLimit: number;
  /** Mean requests that waited in the engine in the second half, as a share of its slots. */
  readonly queued: number;
}

const MEAN_MS = 6_000;
const SIGMA = 0.6;

interface Request {
  readonly serviceMs: number;
}

/** Runs a limiter against the engine. */
export const simulate = (options: Simulation): SimulationResult => new SimulatedEngine(options).run();

class SimulatedEngine {
  readonly #options: Simulation;
  readonly #limiter: Limiter;
  readonly #random: () => number;
  readonly #working = new Heap();
  readonly #waiting: Request[] = [];
  #slots: number;
  #nowMs = 0;
  #asked = 0;
  #refused = 0;
  readonly #whole = { done: 0, possible: 0, queued: 0 };
  readonly #late = { done: 0, possible: 0, queued: 0 };

  constructor(options: Simulation) {
    this.#options = options;
    this.#limiter = new Limiter(options.limiter);
    this.#random = mulberry32(options.seed);
    this.#slots = options.slots;
  }

  run(): SimulationResult {
    const { duration, change } = this.#options;
    const endMs = duration * MEAN_MS;
    const changeMs = (change?.at ?? Number.POSITIVE_INFINITY) * MEAN_MS;
    const lateMs = change === undefined ? endMs / 2 : changeMs;
    this.#fill();
    for (let next = this.#working.pop(); next !== undefined && next.endMs <= endMs; next = this.#working.pop()) {
      this.#count(next, next.endMs > lateMs ? [this.#whole, this.#late] : [this.#whole]);
      this.#nowMs = next.endMs;
      if (this.#nowMs > changeMs) this.#slots = change?.slots ?? this.#slots;
      this.#limiter.completed({ nowMs: this.#nowMs, work: 1, inFlight: this.#inFlight + 1 });
      this.#admit();
      this.#fill();
    }
    return {
      efficiency: this.#whole.done / this.#whole.possible,
      steady: this.#late.done / this.#late.possible,
      refusedShare: this.#refused / this.#asked,
      lastLimit: this.#limiter.limit,
      queued: this.#late.queued / this.#late.possible,
    };
  }

  get #inFlight(): number {
    return this.#working.size + this.#waiting.length;
  }

  #count({ request, endMs }: Entry, sums: readonly { done: number; possible: number; queued: number }[]): void {
    const stepMs = endMs - this.#nowMs;
    for (const sum of sums) {
      sum.done += request.serviceMs;
      sum.possible += stepMs * this.#slots;
      sum.queued += stepMs * this.#waiting.length;
    }
  }

  /** The backlog is endless: whatever the limiter allows is sent. */
  #fill(): void {
    while (this.#inFlight < this.#limiter.limit) {
      this.#asked += 1;
      const isFull = this.#inFlight >= this.#slots + (this.#options.queue ?? Number.POSITIVE_INFINITY);
      if (isFull) this.#refuse();
      else {
        this.#waiting.push({ serviceMs: lognormal(this.#random) });
        this.#admit();
      }
    }
  }

  #refuse(): void {
    this.#refused += 1;
    this.#limiter.refused(this.#inFlight);
  }

  #admit(): void {
    while (this.#working.size < this.#slots) {
      const request = this.#waiting.shift();
      if (request === undefined) return;
      this.#working.push({ request, endMs: this.#nowMs + request.serviceMs });
    }
  }
}

/** Mean MEAN_MS. */
function lognormal(random: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return MEAN_MS * Math.exp(SIGMA * normal - SIGMA ** 2 / 2);
}

/** A small seeded generator: the same seed gives the same run. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Entry {
  readonly request: Request;
  readonly endMs: number;
}

/** The earliest end first. */
class Heap {
  readonly #entries: Entry[] = [];

  get size(): number {
    return this.#entries.length;
  }

  push(entry: Entry): void {
    const entries = this.#entries;
    entries.push(entry);
    for (let at = entries.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (this.#end(parent) <= this.#end(at)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): Entry | undefined {
    const [first] = this.#entries;
    const last = this.#entries.pop();
    if (last === undefined || this.#entries.length === 0) return first;
    this.#entries[0] = last;
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const least = this.#end(right) < this.#end(left) ? right : left;
      if (this.#end(least) >= this.#end(at)) break;
      this.#swap(at, least);
      at = least;
    }
    return first;
  }

  #end(at: number): number {
    return this.#entries[at]?.endMs ?? Number.POSITIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    const entries = this.#entries;
    [entries[a], entries[b]] = [entries[b] as Entry, entries[a] as Entry];
  }
}
