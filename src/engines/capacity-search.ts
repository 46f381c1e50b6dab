/**
 * Finds how many requests in flight an engine can use, from throughput alone: an engine that queues never refuses, and its latency says
 * more about the length of answers than about load. Doubles while throughput grows, narrows down to the knee, then holds it with probes.
 * Several who share an engine all find it full, and come to share it alike in the long run.
 * Pure: it is given one measured throughput after another, each taken at its `target`.
 */

/** What was measured at one limit. */
interface Point {
  readonly limit: number;
  readonly throughput: number;
}

type Phase =
  | { readonly name: 'double' }
  | { readonly name: 'narrow'; readonly left: number }
  | { readonly name: 'hold'; readonly usual: number | undefined; readonly rounds: number; readonly probe: 'up' | 'down' }
  | { readonly name: 'up' | 'down'; readonly from: Point };

/** A doubling that gives less than this has passed the knee. */
const GROWTH = 1.25;
/** As good as the best. */
const SAME = 0.965;
const MOST_STEPS = 3;
/** Nearer than this the knee need not be known. */
const NEAR = 1.1;
/** A little queue in the engine costs nothing; an idle slot is lost. */
const SPARE = 1.08;
const ROUNDS_BETWEEN_PROBES = 2;
/**
 * A probe upwards adds so many times the root of the limit, and counts what the added places gain beside those there were. Nearly as much, in an engine where nothing
 * waits: it has become larger, the knee is elsewhere.
 */
const UP = { roots: 4, most: 0.25, gain: 0.2, larger: 0.6 };
const DOWN = { step: 0.82, gain: 0.97 };
/** So near to the least time that a unit of work ever took, nothing waits. */
const QUICK = 1.5;
/**
 * Waiting in the engine for so many times what an answer takes is no use to anybody: others fill the engine, too, and who adds most gets most.
 * Everybody who sees it takes a share back and adds an amount, which brings all of them to the same.
 */
const LONGEST = 4;

export class CapacitySearch {
  readonly #max: number;
  /** What was measured since the search began, by limit. */
  #points: readonly Point[] = [];
  /** The least time that a unit of work took. */
  #quickest = Number.POSITIVE_INFINITY;
  #target: number;
  #phase: Phase = { name: 'double' };

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
    return this.#phase.name !== 'double' && this.#phase.name !== 'narrow';
  }

  /** Begins again from a limit that is known to be near. */
  restart(limit: number): void {
    this.#moveTo(limit);
    this.#points = [];
    this.#phase = { name: 'double' };
  }

  /** Takes the throughput that was measured at `target` and decides on the next one. */
  measured(throughput: number): void {
    const phase = this.#phase;
    const perWork = this.#target / throughput;
    this.#quickest = Math.min(this.#quickest, perWork);
    if (perWork > LONGEST * this.#quickest) {
      this.#holdAt(DOWN.step * this.#target);
      return;
    }
    const point = { limit: this.#target, throughput };
    if (phase.name === 'double') this.#double(point);
    else if (phase.name === 'narrow') this.#narrow(point, phase.left);
    else if (phase.name === 'hold') this.#hold(phase, point);
    else if (phase.name === 'up') this.#probedUp(phase.from, point);
    else this.#probedDown(phase.from, point);
  }

  #double(point: Point): void {
    const last = this.#points.at(-1);
    const isPast = last !== undefined && point.throughput < GROWTH * last.throughput;
    if (isPast || point.limit >= this.#max) {
      this.#narrow(point, MOST_STEPS);
      return;
    }
    this.#remember(point);
    this.#moveTo(2 * point.limit);
  }

  /** Between the largest limit that is worse than the best and the smallest that is as good lies the knee. */
  #narrow(point: Point, left: number): void {
    this.#remember(point);
    const best = Math.max(...this.#points.map(({ throughput }) => throughput));
    const good = this.#points.findIndex(({ throughput }) => throughput >= SAME * best);
    const [worse, least] = [this.#points[good - 1], this.#points[good]];
    const high = least?.limit ?? point.limit;
    const low = worse?.limit ?? high / 2;
    if (left === 0 || high <= NEAR * low || high - low < 2) {
      this.#holdAt(high * SPARE);
      return;
    }
    this.#moveTo(Math.sqrt(low * high));
    this.#phase = { name: 'narrow', left: left - 1 };
  }

  #remember(point: Point): void {
    this.#points = [...this.#points.filter(({ limit }) => limit !== point.limit), point].toSorted((a, b) => a.limit - b.limit);
  }

  #hold(phase: Extract<Phase, { name: 'hold' }>, { limit, throughput }: Point): void {
    const usual = phase.usual ?? throughput;
    const average = (usual + throughput) / 2;
    const rounds = phase.rounds + 1;
    if (rounds < ROUNDS_BETWEEN_PROBES) this.#phase = { ...phase, usual: average, rounds };
    else this.#probe(phase.probe, { limit, throughput: average });
  }

  #probe(name: 'up' | 'down', from: Point): void {
    const { limit } = from;
    this.#moveTo(
      name === 'up'
        ? limit + Math.max(1, Math.min(UP.roots * Math.sqrt(limit), UP.most * limit))
        : Math.min(limit - 1, limit * DOWN.step),
    );
    if (this.#target === limit) this.#returnTo(from, name);
    else this.#phase = { name, from };
  }

  #probedUp(from: Point, point: Point): void {
    const gain = (point.throughput / from.throughput - 1) / (point.limit / from.limit - 1);
    if (gain < UP.gain) this.#returnTo(from, 'up');
    else if (gain < UP.larger || point.limit / point.throughput > QUICK * this.#quickest) this.#returnTo(point, 'down');
    else this.#searchFrom(point);
  }

  #searchFrom(point: Point): void {
    this.#points = [point];
    this.#phase = { name: 'double' };
    this.#moveTo(2 * point.limit);
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
