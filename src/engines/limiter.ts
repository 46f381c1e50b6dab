/**
 * How many requests one engine gets at once: as many as the operator or the engine says, else as many as a search finds, and never more than
 * what it accepted when it last refused. Pure: it knows no clock and no engine, only what it is told.
 */
import { CapacitySearch } from './capacity-search.ts';
import { GaugeFollower, type GaugeReading } from './gauge-follower.ts';

export interface LimiterOptions {
  /** What is known without a search: the operator's limit, or what follows from the engine's slots. Asked anew each time. */
  readonly known?: () => number | undefined;
  /** Where a search begins; default 16. */
  readonly start?: number | undefined;
  /** A search never goes beyond it; default 4,096. */
  readonly max?: number;
}

/** One request that the engine worked on. */
export interface Completion {
  readonly nowMs: number;
  /** How much it did, in any steady unit: rows, tokens, bytes of the answer. */
  readonly work: number;
  /** Requests in flight just before this one ended. */
  readonly inFlight: number;
  /** From its first byte out to its last byte in. */
  readonly latencyMs: number;
}

/** After a refusal the limit grows again slowly at first: each quiet round by 1.5 times the last step. */
const REGROW = { first: 0.02, faster: 1.5, most: 0.25 };
/** So much above the limit that was refused, without a new refusal: the engine has become larger, search again. */
const FORGET_AT = 2;
/** Answers passed over after a change, as a share of the places. */
const SETTLE = 0.1;
/** Answers of a round, as a share of the places, while it searches and once it has found. */
const SEARCHING = { share: 0.25, fewest: 32 };
const FOUND = { share: 4, most: 400 };
/** An engine that has not shown its gauge for so long is searched again. */
const GAUGE_HOLDS_MS = 15_000;
/** A round in which this share of the answers came while places were empty says nothing of the engine. */
const MOST_UNUSED = 0.1;

interface Round {
  /** Answers to pass over first, until places that became free under the new limit are taken again. */
  unsettled: number;
  /** Requests sent before it tell of another limit. */
  fromMs: number;
  answers: number;
  work: number;
  latencyMs: number;
  places: number;
  unused: number;
}

/** A limit that the engine itself has shown, growing again. */
interface Bound {
  readonly refusedAt: number;
  readonly value: number;
  readonly step: number;
}

export class Limiter {
  readonly #options: LimiterOptions;
  readonly #search: CapacitySearch;
  readonly #follower: GaugeFollower;
  #bound: Bound | undefined;
  #round: Round | undefined;
  #beforeRefusals: number | undefined;
  #hasGauge = false;
  #gaugeUntilMs = 0;

  constructor(options: LimiterOptions = {}) {
    this.#options = options;
    const range = { start: options.start ?? 16, max: options.max ?? 4_096 };
    this.#search = new CapacitySearch(range);
    this.#follower = new GaugeFollower(range);
  }

  /** How many requests may be in flight; at least 1. */
  get limit(): number {
    const known = this.#options.known?.();
    if (this.#bound !== undefined) return Math.max(1, Math.min(known ?? this.#bound.value, Math.floor(this.#bound.value)));
    return Math.max(1, known ?? (this.#hasGauge ? this.#follower.target : this.#search.target));
  }

  /** Where the limit comes from, for people. */
  get why(): string {
    if (this.#bound !== undefined) return 'as many as it accepted when it last refused';
    if (this.#options.known?.() !== undefined) return 'as many as it is said to take';
    if (this.#hasGauge) return 'as many as its gauge shows that it can use';
    return this.#search.found ? 'as many as it was found to use' : 'finding out how many it can use';
  }

  /** The engine answered a request that it worked on. */
  completed(completion: Completion): void {
    this.#beforeRefusals = undefined;
    if (this.#hasGauge && completion.nowMs > this.#gaugeUntilMs) this.#loseGauge();
    this.#round ??= this.#newRound(SETTLE);
    const round = this.#round;
    if (round.unsettled > 0) {
      round.unsettled -= 1;
      round.fromMs = completion.nowMs;
      return;
    }
    if (completion.nowMs - completion.latencyMs < round.fromMs) return;
    this.#count(round, completion);
    if (this.#isOver(round)) this.#endRound(round);
  }

  /** What the engine says of itself; from here on it is followed in place of a search, as long as it goes on saying so. */
  observed(reading: GaugeReading): void {
    if (!this.#hasGauge) this.#follower.begin(this.limit);
    this.#hasGauge = true;
    this.#gaugeUntilMs = reading.nowMs + GAUGE_HOLDS_MS;
    this.#follower.observed(reading);
  }

  /** The engine refused one more while it went on with `accepted` others: the burst itself shows what it takes. */
  refused(accepted: number): void {
    this.#beforeRefusals ??= this.limit;
    const value = Math.max(1, Math.min(this.limit, 0.99 * accepted));
    this.#bound = { refusedAt: value, value, step: REGROW.first };
    this.#follower.begin(value);
    this.#round = undefined;
  }

  /** The engine is back after it had refused or lost everything: near the limit that it had before. */
  recovered(): void {
    this.#search.restart(0.7 * (this.#beforeRefusals ?? this.limit));
    this.#beforeRefusals = undefined;
    this.#bound = undefined;
    this.#round = undefined;
  }

  #loseGauge(): void {
    this.#search.restart(this.limit);
    this.#hasGauge = false;
    this.#round = undefined;
  }

  #newRound(settle: number): Round {
    return {
      unsettled: Math.ceil(settle * this.limit),
      fromMs: Number.NEGATIVE_INFINITY,
      answers: 0,
      work: 0,
      latencyMs: 0,
      places: 0,
      unused: 0,
    };
  }

  #count(round: Round, { work, inFlight, latencyMs }: Completion): void {
    round.answers += 1;
    round.work += work;
    round.latencyMs += latencyMs;
    round.places += inFlight;
    if (inFlight < 0.9 * this.limit) round.unused += 1;
  }

  #isOver({ answers }: Round): boolean {
    const { limit } = this;
    const enough = this.#search.found
      ? Math.min(FOUND.most, FOUND.share * limit)
      : Math.max(SEARCHING.fewest, SEARCHING.share * limit);
    return answers >= enough;
  }

  #endRound(round: Round): void {
    const before = this.limit;
    const isMeasured = round.unused <= MOST_UNUSED * round.answers;
    if (this.#bound !== undefined) this.#regrow(this.#bound);
    else if (isMeasured && !this.#hasGauge) this.#search.measured(throughputOf(round));
    this.#round = this.#newRound(this.limit === before ? 0 : SETTLE);
  }

  #regrow({ refusedAt, value, step }: Bound): void {
    const known = this.#options.known?.();
    const grown = value * (1 + step);
    this.#bound = { refusedAt, value: grown, step: Math.min(REGROW.most, step * REGROW.faster) };
    if (grown < (known ?? FORGET_AT * refusedAt)) return;
    this.#bound = undefined;
    this.#follower.begin(grown);
    this.#search.restart(grown);
  }
}

/**
 * Little's law: what comes out is what is inside over how long it stays. Counting answers would say the same in the long run, but answers of
 * different lengths make the count noisy, and right after a change it knows only the short ones; their time per work is that of the long ones.
 */
const throughputOf = ({ answers, work, latencyMs, places }: Round): number => ((places / answers) * work) / latencyMs;
