/**
 * The model of time of a simulated engine, for virtual and for real time alike: it is told what arrives and when, and says what ends when.
 *
 * An engine works on at most `slots` sequences at once, and each of them advances at `speed(sequences)`; what comes beyond waits in the order of arrival, and beyond
 * `queue` is refused. A request is so many units of work; one unit takes one service time alone in the engine. Where it has a cache, the part of a prompt that is not
 * found there is evaluated first, one prompt after the other, while no answer advances; who finds no memory waits, with all behind it.
 */
import { Heap } from './heap.ts';
import { BLOCK_TOKENS, type Blocks, PrefixCache } from './prefix-cache.ts';

/** What an engine is given. */
export interface Work {
  readonly work: number;
  /** Its prompt, where the engine has a cache. */
  readonly prompt?: Blocks;
}

export interface EngineShape {
  readonly slots: number;
  /** How long one unit of work takes an idle engine. */
  readonly serviceMs: number;
  /** Requests that may wait in the engine; default all. */
  readonly queue?: number;
  /** How fast each of so many sequences advances; default 1 for any number. */
  readonly speed?: (sequences: number) => number;
  /** Memory for prompts, and what it takes to evaluate one of their tokens; default: prompts cost nothing. */
  readonly cache?: { readonly tokens: number; readonly msPerToken: number };
}

/** One service time of an engine's life. */
export interface Window {
  done: number;
  possible: number;
  queued: number;
}

interface Running<Request> {
  readonly request: Request;
  /** The sequence clock's reading when it is done. */
  readonly at: number;
}

const NEVER = Number.POSITIVE_INFINITY;

export class EngineTime<Request extends Work> {
  readonly #shape: EngineShape;
  readonly #speed: (sequences: number) => number;
  readonly #cache: PrefixCache | undefined;
  readonly #running = new Heap<Running<Request>>();
  readonly windows: Window[] = [];
  #waiting: Request[] = [];
  #waitingFrom = 0;
  #slots: number;
  #nowMs = 0;
  /** Advances by the speed of one sequence. */
  #clock = 0;
  /** Of prompts that are still to be evaluated. */
  #prefillMs = 0;
  /** Tokens of prompts of what runs that the cache had. */
  readonly #cachedTokens = new WeakMap<Request, number>();

  constructor(shape: EngineShape) {
    this.#shape = shape;
    this.#speed = shape.speed ?? (() => 1);
    this.#slots = shape.slots;
    this.#cache = shape.cache && new PrefixCache(shape.cache.tokens);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get running(): number {
    return this.#running.size;
  }

  get waiting(): number {
    return this.#waiting.length - this.#waitingFrom;
  }

  /** When the next request ends, if nothing else comes. */
  get nextDoneMs(): number {
    const next = this.#running.least;
    return next === undefined ? NEVER : this.#nowMs + this.#prefillMs + Math.max(0, next.at - this.#clock) / this.#rate;
  }

  /** The engine becomes smaller or larger. What runs goes on. */
  resize(slots: number): void {
    this.#slots = slots;
  }

  /** True when it would refuse one more. */
  get isFull(): boolean {
    return this.running + this.waiting >= this.#slots + (this.#shape.queue ?? NEVER);
  }

  /** Takes a request; whether there is room is for the caller to ask. */
  take(request: Request): void {
    this.#waiting.push(request);
    this.admit();
  }

  /** Time passes; not beyond `nextDoneMs`. */
  advanceTo(nextMs: number): void {
    const { serviceMs } = this.#shape;
    const stepMs = nextMs - this.#nowMs;
    const prefillMs = Math.min(stepMs, this.#prefillMs);
    this.#prefillMs -= prefillMs;
    const work = (stepMs - prefillMs) * this.#rate;
    const place = Math.floor(this.#nowMs / serviceMs);
    for (let missing = this.windows.length; missing <= place; missing += 1)
      this.windows.push({ done: 0, possible: 0, queued: 0 });
    const window = this.windows[place] as Window; // just made
    window.done += work * this.#running.size;
    window.possible += (stepMs / serviceMs) * bestOf(this.#slots, this.#speed);
    window.queued += (stepMs / serviceMs) * (this.waiting / this.#slots);
    this.#clock += work;
    this.#nowMs = nextMs;
  }

  /** Ends the request that is done. */
  finish(): Request | undefined {
    const request = this.#running.pop()?.request;
    if (request?.prompt !== undefined) this.#cache?.release(request.prompt);
    return request;
  }

  /** How many tokens of a request's prompt were found in the cache. */
  cachedOf(request: Request): number {
    return this.#cachedTokens.get(request) ?? 0;
  }

  /** Begins what waits, as far as there are slots. */
  admit(): void {
    while (this.running < this.#slots && this.waiting > 0) {
      const request = this.#waiting[this.#waitingFrom] as Request; // something waits
      if (!this.#begin(request)) break;
      this.#waitingFrom += 1;
      this.#running.push({ request, at: this.#clock + request.work });
    }
    if (this.#waitingFrom < 10_000) return;
    this.#waiting = this.#waiting.slice(this.#waitingFrom);
    this.#waitingFrom = 0;
  }

  /** Takes its prompt in; answers false where that has to wait for memory. */
  #begin(request: Request): boolean {
    const { prompt } = request;
    if (this.#cache === undefined || this.#shape.cache === undefined || prompt === undefined) return true;
    const cached = this.#cache.admit(prompt);
    if (cached === undefined) return false;
    this.#cachedTokens.set(request, BLOCK_TOKENS * cached);
    this.#prefillMs += BLOCK_TOKENS * (prompt.length - cached) * this.#shape.cache.msPerToken;
    return true;
  }

  /** Work that one sequence gets done in a millisecond. */
  get #rate(): number {
    return this.#speed(this.#running.size) / this.#shape.serviceMs;
  }
}

const best = new Map<string, number>();

/** What the engine does at its best number of sequences, in one service time. */
function bestOf(slots: number, speed: (sequences: number) => number): number {
  const key = `${slots} ${speed(slots)} ${speed(1)}`;
  const known = best.get(key);
  if (known !== undefined) return known;
  const most = Math.max(...Array.from({ length: slots }, (_, place) => (place + 1) * speed(place + 1)));
  best.set(key, most);
  return most;
}

/** Work done over work possible. */
export function efficiencyOf(windows: readonly Window[]): number {
  const done = windows.reduce((sum, window) => sum + window.done, 0);
  return done / windows.reduce((sum, window) => sum + window.possible, 0);
}

const IN_A_ROW = 5;

/** The first of five windows in a row that together reach 0.9. */
export function timeTo90(windows: readonly Window[]): number {
  const at = windows.findIndex(
    (_, place) => place + IN_A_ROW <= windows.length && efficiencyOf(windows.slice(place, place + IN_A_ROW)) >= 0.9,
  );
  return at === -1 ? NEVER : at;
}
