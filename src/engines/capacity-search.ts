/**
 * Finds how many requests in flight an engine can use, from throughput alone: an engine that queues never refuses, and its latency says
 * more about the length of answers than about load. Doubles while throughput grows, bisects to the knee, then holds it with probes.
 * Pure: it is given one measured throughput after another, each taken at its `target`.
 */

interface Point {
  readonly limit: number;
  readonly throughput: number;
}

type Phase =
  | { readonly name: 'double'; readonly last: Point | undefined }
  | { readonly name: 'bisect'; readonly low: Point; readonly high: Point; readonly best: number; readonly left: number }
  | { readonly name: 'hold'; readonly usual: number | undefined; readonly rounds: number; readonly probe: 'up' | 'down' }
  | { readonly name: 'up' | 'down'; readonly from: Point };

/** A doubling that gives less than this found the knee. */
const GROWTH = 1.25;
/** As good as the best. */
const SAME = 0.965;
const BISECTIONS = 2;
/** A little queue in the engine costs nothing; an idle slot is lost. */
const SPARE = 1.08;
const ROUNDS_BETWEEN_PROBES = 2;
/** Nearly a quarter more from a quarter more places: the engine has become larger, the knee is elsewhere. */
const UP = { step: 1.25, gain: 1.05, larger: 1.15 };
const DOWN = { step: 0.82, gain: 0.97 };
/** Throughput below this share of the usual one is no noise: the engine has become smaller. */
const DROP = 0.75;

export class CapacitySearch {
  readonly #max: number;
  #target: number;
  #phase: Phase = { name: 'double', last: undefined };

  constructor({ start, max }: { readonly start: number; readonly max: number }) {
    this.#max = max;
    this.#target = Math.min(start, max);
  }

  /** How many requests to keep in flight now. */
  get target(): number {
    return this.#target;
  }

  /** True once the knee was found; from then on rounds may be longer. */
  get found(): boolean {
    return this.#phase.name !== 'double' && this.#phase.name !== 'bisect';
  }

  /** Begins again from a limit that is known to be near. */
  restart(limit: number): void {
    this.#moveTo(limit);
    this.#phase = { name: 'double', last: undefined };
  }

  /** Takes the throughput that was measured at `target` and decides on the next one. */
  measured(throughput: number): void {
    const phase = this.#phase;
    const point = { limit: this.#target, throughput };
    if (phase.name === 'double') this.#double(point, phase.last);
    else if (phase.name === 'bisect') this.#bisect(phase, point);
    else if (phase.name === 'hold') this.#hold(phase, point);
    else if (phase.name === 'up') this.#probedUp(phase.from, point);
    else this.#probedDown(phase.from, point);
  }

  #double(point: Point, last: Point | undefined): void {
    if (last !== undefined && point.throughput < GROWTH * last.throughput) {
      const best = Math.max(point.throughput, last.throughput);
      this.#narrow({ name: 'bisect', low: last, high: point, best, left: BISECTIONS });
    } else if (point.limit >= this.#max) {
      this.#holdAt(point.limit);
    } else {
      this.#moveTo(2 * point.limit);
      this.#phase = { name: 'double', last: point };
    }
  }

  #bisect(phase: Extract<Phase, { name: 'bisect' }>, point: Point): void {
    const best = Math.max(phase.best, point.throughput);
    const isGood = point.throughput >= SAME * best;
    this.#narrow({ ...phase, best, left: phase.left - 1, [isGood ? 'high' : 'low']: point });
  }

  #narrow(phase: Extract<Phase, { name: 'bisect' }>): void {
    const { low, high, best, left } = phase;
    if (low.throughput >= SAME * best) {
      this.#holdAt(low.limit * SPARE);
      return;
    }
    const middle = Math.round(Math.sqrt(low.limit * high.limit));
    if (left === 0 || middle <= low.limit || middle >= high.limit) {
      this.#holdAt(high.limit * SPARE);
      return;
    }
    this.#moveTo(middle);
    this.#phase = phase;
  }

  #hold(phase: Extract<Phase, { name: 'hold' }>, { limit, throughput }: Point): void {
    const usual = phase.usual ?? throughput;
    if (throughput < DROP * usual) {
      this.#holdAt((1.1 * limit * throughput) / usual);
      return;
    }
    const average = (usual + throughput) / 2;
    const rounds = phase.rounds + 1;
    if (rounds < ROUNDS_BETWEEN_PROBES) this.#phase = { ...phase, usual: average, rounds };
    else this.#probe(phase.probe, { limit, throughput: average });
  }

  #probe(name: 'up' | 'down', from: Point): void {
    const { limit } = from;
    this.#moveTo(name === 'up' ? Math.max(limit + 1, limit * UP.step) : Math.min(limit - 1, limit * DOWN.step));
    if (this.#target === limit) this.#returnTo(from, name);
    else this.#phase = { name, from };
  }

  #probedUp(from: Point, point: Point): void {
    const gain = point.throughput / from.throughput;
    if (gain < UP.gain) this.#returnTo(from, 'up');
    else if (gain < UP.larger) this.#returnTo(point, 'down');
    else this.#double(point, undefined);
  }

  #probedDown(from: Point, point: Point): void {
    this.#returnTo(point.throughput >= DOWN.gain * from.throughput ? point : from, 'down');
  }

  /** Holds a limit whose throughput is known; the next probe goes the other way. */
  #returnTo({ limit, throughput }: Point, probed: 'up' | 'down'): void {
    this.#moveTo(limit);
    this.#phase = { name: 'hold', usual: throughput, rounds: 0, probe: probed === 'up' ? 'down' : 'up' };
  }

  #holdAt(limit: number): void {
    this.#moveTo(limit);
    this.#phase = { name: 'hold', usual: undefined, rounds: 0, probe: 'up' };
  }

  #moveTo(limit: number): void {
    this.#target = Math.max(1, Math.min(this.#max, Math.round(limit)));
  }
}
