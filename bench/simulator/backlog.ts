/**
 * Workers with an endless backlog on one simulated engine, in virtual time: it shows in a second what a limiter does in an hour.
 * `engine-time.ts` describes the model of time.
 */
import { EngineTime, efficiencyOf, timeTo90 } from './engine-time.ts';
import { lognormal, makeRandom, type Random } from './random.ts';

/** What decides how many requests a worker has in flight. `Limiter` is one. */
export interface Controller {
  readonly limit: number;
  completed(completion: {
    readonly nowMs: number;
    readonly work: number;
    readonly inFlight: number;
    readonly latencyMs: number;
  }): void;
  refused(accepted: number): void;
  /** What the engine says of itself, where it has a gauge. */
  observed?(gauge: {
    readonly nowMs: number;
    readonly running: number;
    readonly waiting: number;
    readonly inFlight: number;
  }): void;
}

export interface Backlog {
  readonly workers: readonly Controller[];
  readonly slots: number;
  /** Requests that may wait in the engine; default all. */
  readonly queue?: number;
  /** How fast each of so many sequences advances; default 1 for any number. */
  readonly speed?: (sequences: number) => number;
  /** Work of one request; default lognormal with mean 1. */
  readonly work?: (random: Random) => number;
  /** What the answer shows of its work; default all. Prompts take time, too, and are not seen in an answer's length. */
  readonly shown?: (work: number, random: Random) => number;
  /** In service times. */
  readonly duration: number;
  /** At this time the engine becomes smaller or larger. */
  readonly change?: { readonly at: number; readonly slots: number };
  /** How often the engine's gauge is read; default never. */
  readonly gaugeEveryMs?: number;
  readonly seed: number;
}

export interface BacklogResult {
  /** Work done, as a share of what the engine could have done. */
  readonly efficiency: number;
  /** The same for the second half, or for the time after a change. */
  readonly steady: number;
  readonly refusedShare: number;
  /** Mean requests that waited in the engine in the second half, as a share of its slots. */
  readonly queued: number;
  /** Service times from the start, or from the change, until a tenth of the best was missing for the last time in a row of five. */
  readonly to90: number;
  readonly lastLimits: readonly number[];
  /** Each worker's share of the work of the second half. */
  readonly shares: readonly number[];
}

/** How long one unit of work takes an idle engine. */
export const SERVICE_MS = 6_000;

/** Runs the workers until the time is over. */
export const runBacklog = (options: Backlog): BacklogResult => new Simulation(options).run();

interface Request {
  readonly worker: number;
  readonly work: number;
  readonly sentMs: number;
}

const NEVER = Number.POSITIVE_INFINITY;

class Simulation {
  readonly #options: Backlog;
  readonly #random: Random;
  readonly #work: (random: Random) => number;
  readonly #engine: EngineTime<Request>;
  readonly #inFlight: number[];
  readonly #lateDone: number[];
  readonly #lateMs: number;
  #asked = 0;
  #refused = 0;

  constructor(options: Backlog) {
    const { slots, queue, speed } = options;
    this.#options = options;
    this.#engine = new EngineTime({
      slots,
      serviceMs: SERVICE_MS,
      ...(queue !== undefined && { queue }),
      ...(speed && { speed }),
    });
    this.#random = makeRandom(options.seed);
    this.#work = options.work ?? lognormal(1);
    this.#inFlight = options.workers.map(() => 0);
    this.#lateDone = options.workers.map(() => 0);
    this.#lateMs = SERVICE_MS * (options.change?.at ?? options.duration / 2);
  }

  run(): BacklogResult {
    const { duration, change, gaugeEveryMs = NEVER } = this.#options;
    const endMs = duration * SERVICE_MS;
    let changeMs = (change?.at ?? NEVER) * SERVICE_MS;
    let gaugeMs = gaugeEveryMs;
    this.#fill();
    for (;;) {
      const nextMs = Math.min(this.#engine.nextDoneMs, gaugeMs, changeMs, endMs);
      this.#engine.advanceTo(nextMs);
      if (nextMs === endMs) return this.#result();
      if (nextMs === changeMs) {
        if (change !== undefined) this.#engine.resize(change.slots);
        changeMs = NEVER;
      } else if (nextMs === gaugeMs) {
        gaugeMs += gaugeEveryMs;
        this.#readGauge();
      } else this.#finish();
      this.#engine.admit();
      this.#fill();
    }
  }

  #finish(): void {
    const done = this.#engine.finish();
    if (done === undefined) return;
    const { worker, work, sentMs } = done;
    const { nowMs } = this.#engine;
    const inFlight = this.#inFlight[worker] ?? 0;
    if (nowMs > this.#lateMs) this.#lateDone[worker] = (this.#lateDone[worker] ?? 0) + work;
    this.#inFlight[worker] = inFlight - 1;
    const shown = this.#options.shown?.(work, this.#random) ?? work;
    this.#options.workers[worker]?.completed({ nowMs, work: shown, inFlight, latencyMs: nowMs - sentMs });
  }

  #readGauge(): void {
    const { nowMs, running, waiting } = this.#engine;
    for (const [worker, controller] of this.#options.workers.entries())
      controller.observed?.({ nowMs, running, waiting, inFlight: this.#inFlight[worker] ?? 0 });
  }

  /** The backlog is endless: whatever the limits allow is sent at once, and what of it was refused is heard of afterwards. */
  #fill(): void {
    const refused = this.#options.workers.map(({ limit }, worker) => this.#send(worker, limit - (this.#inFlight[worker] ?? 0)));
    for (const [worker, count] of refused.entries())
      for (let told = 0; told < count; told += 1) this.#options.workers[worker]?.refused(this.#inFlight[worker] ?? 0);
  }

  /** Answers how many were refused. */
  #send(worker: number, count: number): number {
    for (let sent = 0; sent < count; sent += 1) {
      if (this.#engine.isFull) {
        this.#asked += count - sent;
        this.#refused += count - sent;
        return count - sent;
      }
      this.#asked += 1;
      this.#inFlight[worker] = (this.#inFlight[worker] ?? 0) + 1;
      this.#engine.take({ worker, work: this.#work(this.#random), sentMs: this.#engine.nowMs });
    }
    return 0;
  }

  #result(): BacklogResult {
    const { windows } = this.#engine;
    const late = windows.slice(Math.round(this.#lateMs / SERVICE_MS));
    const lateDone = this.#lateDone.reduce((sum, done) => sum + done, 0);
    return {
      efficiency: efficiencyOf(windows),
      steady: efficiencyOf(late),
      refusedShare: this.#refused / this.#asked,
      queued: late.reduce((sum, { queued }) => sum + queued, 0) / late.length,
      to90: timeTo90(this.#options.change === undefined ? windows : late),
      lastLimits: this.#options.workers.map(({ limit }) => limit),
      shares: this.#lateDone.map((done) => done / lateDone),
    };
  }
}
