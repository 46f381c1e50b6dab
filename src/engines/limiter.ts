/**
 * How many requests one engine gets at once: as many as the operator or the engine says, else as many as a search finds, and never more than
 * what it accepted when it last refused. Pure: it knows no clock and no engine, only what it is told.
 */
import { CapacitySearch } from './capacity-search.ts';

export interface LimiterOptions {
  /** What is known without a search: the operator's limit, or what follows from the engine's slots. Asked anew each time. */
  readonly known?: () => number | undefined;
  /** Where a search begins; default 16. */
  readonly start?: number;
  /** A search never goes beyond it; default 1,024. */
  readonly max?: number;
}

/** One request that the engine worked on. */
export interface Completion {
  readonly nowMs: number;
  /** How much it did, in any steady unit: rows, tokens, bytes of the answer. */
  readonly work: number;
  /** Requests in flight just before this one ended. */
  readonly inFlight: number;
}

/** After a refusal the limit grows again slowly at first: each quiet round by 1.5 times the last step. */
const REGROW = { first: 0.02, faster: 1.5, most: 0.25 };
/** So much above the limit that was refused, without a new refusal: the engine has become larger, search again. */
const FORGET_AT = 2;
/** A round in which this share of the answers came while places were empty says nothing of the engine. */
const MOST_UNUSED = 0.1;

interface Round {
  /** Answers to pass over first: as many as there are places, which is one mean latency, and by then every place works under the new limit. */
  unsettled: number;
  startMs: number;
  answers: number;
  work: number;
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
  #bound: Bound | undefined;
  #round: Round | undefined;
  #beforeRefusals: number | undefined;

  constructor(options: LimiterOptions = {}) {
    this.#options = options;
    this.#search = new CapacitySearch({ start: options.start ?? 16, max: options.max ?? 1_024 });
  }

  /** How many requests may be in flight; at least 1. */
  get limit(): number {
    const wanted = this.#options.known?.() ?? this.#search.target;
    if (this.#bound === undefined) return Math.max(1, wanted);
    return Math.max(1, Math.min(this.#options.known?.() ?? Number.POSITIVE_INFINITY, Math.floor(this.#bound.value)));
  }

  /** Where the limit comes from, for people. */
  get why(): string {
    if (this.#bound !== undefined) return 'as many as it accepted when it last refused';
    if (this.#options.known?.() !== undefined) return 'as many as it is said to take';
    return this.#search.found ? 'as many as it was found to use' : 'finding out how many it can use';
  }

  /** The engine answered a request that it worked on. */
  completed(completion: Completion): void {
    this.#beforeRefusals = undefined;
    this.#round ??= this.#newRound({ startMs: completion.nowMs, unsettled: this.limit });
    const round = this.#round;
    if (round.unsettled > 0) {
      round.unsettled -= 1;
      round.startMs = completion.nowMs;
      return;
    }
    this.#count(round, completion);
    if (this.#isOver(round)) this.#endRound(round, completion.nowMs);
  }

  /** The engine refused one more while it went on with `accepted` others: the burst itself shows what it takes. */
  refused(accepted: number): void {
    this.#beforeRefusals ??= this.limit;
    const value = Math.max(1, Math.min(this.limit, 0.99 * accepted));
    this.#bound = { refusedAt: value, value, step: REGROW.first };
    this.#round = undefined;
  }

  /** The engine is back after it had refused or lost everything: near the limit that it had before. */
  recovered(): void {
    this.#search.restart(0.7 * (this.#beforeRefusals ?? this.limit));
    this.#beforeRefusals = undefined;
    this.#bound = undefined;
    this.#round = undefined;
  }

  #newRound(begin: Pick<Round, 'startMs' | 'unsettled'>): Round {
    return { ...begin, answers: 0, work: 0, unused: 0 };
  }

  #count(round: Round, { work, inFlight }: Completion): void {
    round.answers += 1;
    round.work += work;
    if (inFlight < 0.9 * this.limit) round.unused += 1;
  }

  /** At least one mean latency long, and long enough that chance evens out. */
  #isOver({ answers }: Round): boolean {
    return answers >= Math.max(this.limit, this.#search.found ? Math.min(400, 4 * this.limit) : 24);
  }

  #endRound(round: Round, nowMs: number): void {
    const before = this.limit;
    const isMeasured = round.unused <= MOST_UNUSED * round.answers;
    if (this.#bound !== undefined) this.#regrow(this.#bound);
    else if (isMeasured) this.#search.measured(round.work / (nowMs - round.startMs));
    this.#round = this.#newRound({ startMs: nowMs, unsettled: this.limit === before ? 0 : this.limit });
  }

  #regrow({ refusedAt, value, step }: Bound): void {
    const known = this.#options.known?.();
    const grown = value * (1 + step);
    this.#bound = { refusedAt, value: grown, step: Math.min(REGROW.most, step * REGROW.faster) };
    if (grown < (known ?? FORGET_AT * refusedAt)) return;
    this.#bound = undefined;
    this.#search.restart(grown);
  }
}
