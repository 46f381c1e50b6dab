/**
 * Workers with an endless backlog on one simulated engine, in virtual time: it shows in a second what a limiter does in an hour.
 *
 * The model of time: an engine works on at most `slots` sequences at once, and each of them advances at `speed(sequences)`; what comes beyond waits in
 * the order of arrival, and beyond `queue` is refused. A request is so many units of work; one unit takes one service time alone in the engine.
 */
import { Heap } from './heap.ts';
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
export const runBacklog = (options: Backlog): BacklogResult => new SimulatedEngine(options).run();

interface Request {
  readonly worker: number;
  readonly work: number;
  readonly sentMs: number;
}

interface Running extends Request {
  /** The sequence clock's reading when it is done. */
  readonly at: number;
}

interface Sum {
  done: number;
  possible: number;
  queued: number;
}

const NEVER = Number.POSITIVE_INFINITY;
const NOTHING = (): Sum => ({ done: 0, possible: 0, queued: 0 });

class SimulatedEngine {
  readonly #options: Backlog;
  readonly #speed: (sequences: number) => number;
  readonly #random: Random;
  readonly #work: (random: Random) => number;
  readonly #running = new Heap<Running>();
  #waiting: Request[] = [];
  #waitingFrom = 0;
  readonly #inFlight: number[];
  readonly #windows: Sum[] = [];
  readonly #lateDone: number[];
  readonly #lateMs: number;
  #slots: number;
  #nowMs = 0;
  /** Advances by the speed of one sequence. */
  #clock = 0;
  #asked = 0;
  #refused = 0;

  constructor(options: Backlog) {
    this.#options = options;
    this.#speed = options.speed ?? (() => 1);
    this.#random = makeRandom(options.seed);
    this.#work = options.work ?? lognormal(1);
    this.#inFlight = options.workers.map(() => 0);
    this.#lateDone = options.workers.map(() => 0);
    this.#slots = options.slots;
    this.#lateMs = SERVICE_MS * (options.change?.at ?? options.duration / 2);
  }

  run(): BacklogResult {
    const { duration, change, gaugeEveryMs = NEVER } = this.#options;
    const endMs = duration * SERVICE_MS;
    let changeMs = (change?.at ?? NEVER) * SERVICE_MS;
    let gaugeMs = gaugeEveryMs;
    this.#fill();
    for (;;) {
      const doneMs = this.#nextDoneMs();
      const nextMs = Math.min(doneMs, gaugeMs, changeMs, endMs);
      this.#advanceTo(nextMs);
      if (nextMs === endMs) return this.#result();
      if (nextMs === changeMs) {
        this.#slots = change?.slots ?? this.#slots;
        changeMs = NEVER;
      } else if (nextMs === gaugeMs) {
        gaugeMs += gaugeEveryMs;
        this.#readGauge();
      } else this.#finish();
      this.#admit();
      this.#fill();
    }
  }

  get #waitingCount(): number {
    return this.#waiting.length - this.#waitingFrom;
  }

  #nextDoneMs(): number {
    const next = this.#running.least;
    return next === undefined ? NEVER : this.#nowMs + (next.at - this.#clock) / this.#rate;
  }

  /** Work that one sequence gets done in a millisecond. */
  get #rate(): number {
    return this.#speed(this.#running.size) / SERVICE_MS;
  }

  #advanceTo(nextMs: number): void {
    const stepMs = nextMs - this.#nowMs;
    const work = stepMs * this.#rate;
    const place = Math.floor(this.#nowMs / SERVICE_MS);
    this.#windows[place] ??= NOTHING();
    const window = this.#windows[place];
    window.done += work * this.#running.size;
    window.possible += (stepMs / SERVICE_MS) * this.#most();
    window.queued += (stepMs / SERVICE_MS) * (this.#waitingCount / this.#slots);
    this.#clock += work;
    this.#nowMs = nextMs;
  }

  /** What the engine does at its best number of sequences, in one service time. */
  #most(): number {
    return bestOf(this.#slots, this.#speed);
  }

  #finish(): void {
    const done = this.#running.pop();
    if (done === undefined) return;
    const { worker, work, sentMs } = done;
    const inFlight = this.#inFlight[worker] ?? 0;
    if (this.#nowMs > this.#lateMs) this.#lateDone[worker] = (this.#lateDone[worker] ?? 0) + work;
    this.#inFlight[worker] = inFlight - 1;
    const shown = this.#options.shown?.(work, this.#random) ?? work;
    this.#options.workers[worker]?.completed({ nowMs: this.#nowMs, work: shown, inFlight, latencyMs: this.#nowMs - sentMs });
  }

  #readGauge(): void {
    const gauge = { nowMs: this.#nowMs, running: this.#running.size, waiting: this.#waitingCount };
    for (const [worker, controller] of this.#options.workers.entries())
      controller.observed?.({ ...gauge, inFlight: this.#inFlight[worker] ?? 0 });
  }

  #admit(): void {
    while (this.#running.size < this.#slots && this.#waitingCount > 0) {
      const request = this.#waiting[this.#waitingFrom++];
      if (request !== undefined) this.#running.push({ ...request, at: this.#clock + request.work });
    }
    if (this.#waitingFrom < 10_000) return;
    this.#waiting = this.#waiting.slice(this.#waitingFrom);
    this.#waitingFrom = 0;
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
      if (this.#running.size + this.#waitingCount >= this.#slots + (this.#options.queue ?? NEVER)) {
        this.#asked += count - sent;
        this.#refused += count - sent;
        return count - sent;
      }
      this.#asked += 1;
      this.#inFlight[worker] = (this.#inFlight[worker] ?? 0) + 1;
      this.#waiting.push({ worker, work: this.#work(this.#random), sentMs: this.#nowMs });
      this.#admit();
    }
    return 0;
  }

  #result(): BacklogResult {
    const late = this.#windows.slice(Math.round(this.#lateMs / SERVICE_MS));
    const lateDone = this.#lateDone.reduce((sum, done) => sum + done, 0);
    return {
      efficiency: efficiencyOf(this.#windows),
      steady: efficiencyOf(late),
      refusedShare: this.#refused / this.#asked,
      queued: late.reduce((sum, { queued }) => sum + queued, 0) / late.length,
      to90: timeTo90(this.#options.change === undefined ? this.#windows : late),
      lastLimits: this.#options.workers.map(({ limit }) => limit),
      shares: this.#lateDone.map((done) => done / lateDone),
    };
  }
}

const best = new Map<string, number>();

function bestOf(slots: number, speed: (sequences: number) => number): number {
  const key = `${slots} ${speed(slots)} ${speed(1)}`;
  const known = best.get(key);
  if (known !== undefined) return known;
  const most = Math.max(...Array.from({ length: slots }, (_, place) => (place + 1) * speed(place + 1)));
  best.set(key, most);
  return most;
}

function efficiencyOf(windows: readonly Sum[]): number {
  const done = windows.reduce((sum, window) => sum + window.done, 0);
  return done / windows.reduce((sum, window) => sum + window.possible, 0);
}

const IN_A_ROW = 5;

/** The first of five windows in a row that together reach 0.9. */
function timeTo90(windows: readonly Sum[]): number {
  const at = windows.findIndex(
    (_, place) => place + IN_A_ROW <= windows.length && efficiencyOf(windows.slice(place, place + IN_A_ROW)) >= 0.9,
  );
  return at === -1 ? NEVER : at;
}
