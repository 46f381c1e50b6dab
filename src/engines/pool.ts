/** A model's engines behind one door: places go to live requests first, then fairly to jobs, and each engine gets what it can use. */
import { Problem } from '../base/problem.ts';
import { type Budget, readTotalTokens } from './budget.ts';
import type { Verdict } from './classify-failure.ts';
import type { Engine, EngineReply, EngineRequest, EngineStream } from './engine.ts';
import type { FairQueue } from './fair-queue.ts';
import { Gate, type GateOptions, type GateState } from './gate.ts';
import { offAbort, onAbort } from './on-abort.ts';
import { PlaceQueue } from './place-queue.ts';

export interface PoolEngine {
  readonly engine: Engine;
  /** The engine's own name for the model. */
  readonly model: string;
  /** Fixes how many requests this engine gets at once. */
  readonly limit?: number;
  /** How much it may get a minute; one for all models of an engine. */
  readonly budget?: Budget;
}

export interface PoolOptions {
  /** Fixes how many requests every engine gets at once; without it that follows from the engine's slots, or is found. */
  readonly limit?: number;
  /** How long an engine in trouble is left alone before one request tries it: doubles from the first to the most. Default 1 s to 30 s. */
  readonly trialMs?: { readonly first: number; readonly most: number };
  /** How many live requests may wait for a place; default 128. */
  readonly liveWaiting?: number;
  /** Where the search for an engine's limit begins, by its name and its own name for the model; default and undefined: with a few. */
  readonly startOf?: (engine: string, model: string) => number | undefined;
}

/** The right to send one request to one engine. */
export interface Slot {
  /** Whose place it is. */
  readonly of: PoolEngine;
  /** What the engine calls the model: a request must name it so. */
  readonly model: string;
  /** Sends the request. Once per slot. */
  answer(request: EngineRequest, signal: AbortSignal): Promise<EngineReply>;
  /** Sends the request in place of `answer`, to be answered as the engine goes. The place is the stream's until it has ended. */
  stream(request: EngineRequest, signal: AbortSignal): Promise<EngineReply | EngineStream>;
  /** Frees the place; the verdict on the answer, when there was one, teaches the pool what the engine can take. A second call does nothing. */
  release(verdict?: Verdict): void;
}

/** One engine of a pool, for people. */
export interface PoolStatus {
  readonly engine: string;
  /** What it stands for in `add` and `remove`. */
  readonly of: PoolEngine;
  readonly model: string;
  readonly limit: number;
  readonly inFlight: number;
  /** Whether it got anything in the last minute. */
  readonly inUse: boolean;
  /** Its model left the memory: the next request loads it. */
  readonly isUnloaded: boolean;
  readonly state: GateState;
  /** Why it has this limit, or what is wrong with it. */
  readonly why: string;
  readonly since: Date;
  /** What went wrong last; undefined: nothing yet. */
  readonly lastError: { readonly message: string; readonly at: Date } | undefined;
}

export interface Pool {
  /**
   * Resolves when it is this account's turn and an engine has room. While no engine can answer, it waits, and `status()` says why.
   * Rejects with the signal's reason, or when the pool is closed.
   */
  acquire(accountId: string, signal: AbortSignal): Promise<Slot>;
  /** A place that is free now at another engine than this one; undefined where there is none, or somebody waits. */
  placeBeside(engine: PoolEngine): Slot | undefined;
  /**
   * A place for a request that somebody waits for: the next that becomes free, before the rows of all jobs and by turns of accounts.
   * Rejects as `acquire` does, and where waiting would be too long or in vain: with a `Problem` RESOURCE_EXHAUSTED, reason `LIVE_QUEUE_FULL`, or
   * UNAVAILABLE, reason `NO_ENGINE_ANSWERS`; its detail `retryAfterSeconds` says when to come again. In a full line the account with the most gives
   * way, so that nobody keeps others out.
   */
  acquireLive(accountId: string, signal: AbortSignal): Promise<Slot>;
  /** How many live requests can be in here at once, waiting ones included, and how many more just now. */
  liveRoom(): { readonly limit: number; readonly remaining: number };
  status(): readonly PoolStatus[];
  /** One more engine, for those who wait, too. */
  add(engine: PoolEngine): void;
  /** It gets nothing new. Resolves when it has nothing in flight any more and is gone from `status()`. */
  remove(engine: PoolEngine): Promise<void>;
  /** True when no request has told anything of the engine for so long: then a question about its health is worth its cost. */
  isSilent(engine: PoolEngine, forMs: number): boolean;
  /** What that question said. */
  heard(engine: PoolEngine, verdict: Verdict): void;
  /** Sends everybody away who waits. The engines stay open: they belong to whoever opened them. */
  close(): void;
}

interface Waiter {
  readonly resolve: (slot: Slot) => void;
  readonly reject: (reason: unknown) => void;
  /** Stops listening to the signal. */
  readonly settle: () => void;
}

const NEVER = Number.POSITIVE_INFINITY;
/** An engine may ask for days, a timer can't count so far. */
const LONGEST_ALARM_MS = 60_000;
/** A stream tells every token in some 200 bytes, a whole answer in about four. */
const STREAMED_PER_BYTE = 50;
/** When the queue is full; a place becomes free about so often. */
const COME_AGAIN_SECONDS = 1;
const IN_USE_MS = 60_000;

/** Makes the pool of a model's engines. */
export const makePool = (engines: readonly PoolEngine[], options: PoolOptions = {}): Pool => new EnginePool(engines, options);

/** A gate, the engine that it leads to, and who waits for it to be empty. */
interface Way {
  readonly of: PoolEngine;
  readonly gate: Gate;
  readonly whenEmpty: (() => void)[];
}

class EnginePool implements Pool {
  readonly #options: Pick<GateOptions, 'limit' | 'trialMs'>;
  #ways: readonly Way[] = [];
  readonly #waiting = new PlaceQueue<Waiter>();
  readonly #liveWaiting: number;
  readonly #startOf: PoolOptions['startOf'];
  #alarm: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(engines: readonly PoolEngine[], options: PoolOptions) {
    const { trialMs = { first: 1_000, most: 30_000 }, liveWaiting = 128, startOf, ...common } = options;
    this.#liveWaiting = liveWaiting;
    this.#startOf = startOf;
    this.#options = { ...common, trialMs };
    for (const engine of engines) this.add(engine);
  }

  get #gates(): readonly Gate[] {
    return this.#ways.map(({ gate }) => gate);
  }

  add(engine: PoolEngine): void {
    const start = this.#startOf?.(engine.engine.name, engine.model);
    const gate = new Gate({ ...this.#options, ...engine, start, onRoom: () => this.#handOut() });
    this.#ways = [...this.#ways, { of: engine, gate, whenEmpty: [] }];
    this.#handOut();
  }

  async remove(engine: PoolEngine): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const leaving = this.#ways.filter(({ of }) => of === engine);
    if (leaving.length === 0) return;
    for (const { gate, whenEmpty } of leaving) {
      gate.drain();
      whenEmpty.push(resolve);
    }
    this.#dropEmpty();
    this.#handOut();
    await promise;
  }

  isSilent(engine: PoolEngine, forMs: number): boolean {
    const sinceMs = performance.now() - forMs;
    return this.#ways.every(({ of, gate }) => of !== engine || gate.lastLearnedMs < sinceMs);
  }

  heard(engine: PoolEngine, verdict: Verdict): void {
    for (const { of, gate } of this.#ways) if (of === engine) gate.heard(verdict, performance.now());
    this.#handOut();
  }

  /** Forgets the drained that have nothing in flight. */
  #dropEmpty(): void {
    const isEmpty = ({ gate }: Way): boolean => gate.state === 'draining' && gate.inFlight === 0;
    const empty = this.#ways.filter(isEmpty);
    if (empty.length === 0) return;
    this.#ways = this.#ways.filter((way) => !isEmpty(way));
    for (const { whenEmpty } of empty) for (const tell of whenEmpty) tell();
  }

  async acquire(accountId: string, signal: AbortSignal): Promise<Slot> {
    return this.#placeNow(signal, this.#waiting) ?? this.#wait(this.#waiting.rows, accountId, signal);
  }

  placeBeside(engine: PoolEngine): Slot | undefined {
    const way = this.#waiting.isEmpty ? this.#freest(engine) : undefined;
    return way && this.#open(way);
  }

  async acquireLive(accountId: string, signal: AbortSignal): Promise<Slot> {
    const { live } = this.#waiting;
    const place = this.#placeNow(signal, live);
    if (place !== undefined) return place;
    if (!this.#isReady) throw this.#nobodyAnswers();
    if (live.size >= this.#liveWaiting) this.#makeRoomFor(accountId);
    return this.#wait(live, accountId, signal);
  }

  liveRoom(): { readonly limit: number; readonly remaining: number } {
    const places = this.#gates.reduce((sum, { limit }) => sum + limit, 0);
    const free = this.#gates.reduce((sum, { limit, inFlight }) => sum + Math.max(0, limit - inFlight), 0);
    const waiting = Math.max(0, this.#liveWaiting - this.#waiting.live.size);
    return { limit: places + this.#liveWaiting, remaining: free + waiting };
  }

  status(): readonly PoolStatus[] {
    return this.#ways.map(({ of, gate: { engine, model, limit, inFlight, lastLearnedMs, state, why, sinceMs, lastError } }) => ({
      engine: engine.name,
      of,
      model,
      limit,
      inFlight,
      inUse: inFlight > 0 || performance.now() - lastLearnedMs < IN_USE_MS,
      isUnloaded: engine.isUnloaded ?? false,
      state,
      why,
      since: toDate(sinceMs),
      lastError: lastError && { message: lastError.message, at: toDate(lastError.atMs) },
    }));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#alarm);
    for (let waiter = this.#next(); waiter !== undefined; waiter = this.#next()) waiter.reject(closed());
  }

  /** A full line is shared: of the account with the most in it the last makes room for who has less. */
  #makeRoomFor(accountId: string): void {
    const { live } = this.#waiting;
    const refusal = full(live.size);
    const pushedOut = live.makeRoomFor(accountId);
    if (pushedOut === undefined) throw refusal;
    pushedOut.settle();
    pushedOut.reject(refusal);
  }

  /** A place that is free while nobody waits in front. */
  #placeNow(signal: AbortSignal, inFront: { readonly isEmpty: boolean }): Slot | undefined {
    signal.throwIfAborted();
    if (this.#closed) throw closed();
    const way = inFront.isEmpty ? this.#freest() : undefined;
    return way && this.#open(way);
  }

  #wait(queue: FairQueue<Waiter>, key: string, signal: AbortSignal): Promise<Slot> {
    const { promise, resolve, reject } = Promise.withResolvers<Slot>();
    const giveUp = () => {
      queue.remove(key, waiter);
      reject(signal.reason);
    };
    const waiter: Waiter = { resolve, reject, settle: () => offAbort(signal, giveUp) };
    onAbort(signal, giveUp);
    queue.push(key, waiter);
    this.#setAlarm();
    return promise;
  }

  /** Gives places to those who wait until either runs out. */
  #handOut(): void {
    while (!this.#waiting.isEmpty) {
      const way = this.#freest();
      if (way === undefined) break;
      this.#next()?.resolve(this.#open(way));
    }
    if (!this.#isReady) this.#sendLiveAway();
    this.#setAlarm();
  }

  #next(from: Pick<FairQueue<Waiter>, 'shift'> = this.#waiting): Waiter | undefined {
    const waiter = from.shift();
    waiter?.settle();
    return waiter;
  }

  get #isReady(): boolean {
    return this.#ways.some(({ gate }) => gate.state === 'ready');
  }

  /** Rows wait until an engine is back; nobody sits in front of them. */
  #sendLiveAway(): void {
    const { live } = this.#waiting;
    while (!live.isEmpty) this.#next(live)?.reject(this.#nobodyAnswers());
  }

  #nobodyAnswers(): Problem {
    const waitMs = this.#nextMs - performance.now();
    const retryAfterSeconds = Number.isFinite(waitMs) ? Math.max(1, Math.ceil(waitMs / 1_000)) : COME_AGAIN_SECONDS;
    // Why is for who runs the server: an engine that refuses our key may repeat it.
    return new Problem('UNAVAILABLE', 'No engine of this model answers just now.', {
      reason: 'NO_ENGINE_ANSWERS',
      details: { retryAfterSeconds },
    });
  }

  /** When an engine opens by the clock alone. */
  get #nextMs(): number {
    const nowMs = performance.now();
    return this.#ways.reduce((first, { gate }) => Math.min(first, gate.nextAtMs(nowMs) ?? NEVER), NEVER);
  }

  /** The engine with the largest share of free places, but for one. */
  #freest(butFor?: PoolEngine): Way | undefined {
    const nowMs = performance.now();
    let best: Way | undefined;
    let least = 1;
    for (const way of this.#ways) {
      const load = way.gate.load(nowMs);
      if (load >= least || way.of === butFor) continue;
      best = way;
      least = load;
    }
    return best;
  }

  #open({ of, gate }: Way): Slot {
    const pass = gate.enter();
    let bytes = 0;
    let tokens: number | undefined;
    let isOpen = true;
    let isSent = false;
    return {
      of,
      model: gate.model,
      async answer(request, signal) {
        isSent = true;
        const reply = await gate.engine.answer(request, signal);
        bytes = reply.kind === 'answer' ? reply.body.length : 0;
        if (gate.countsTokens && reply.kind === 'answer') tokens = readTotalTokens(reply.body);
        return reply;
      },
      async stream(request, signal) {
        isSent = true;
        const reply = await gate.engine.stream(request, signal);
        if (reply.kind === 'answer') bytes = reply.body.length;
        if (reply.kind === 'stream')
          void reply.ended.then((end) => {
            bytes = end.bytes / STREAMED_PER_BYTE;
          });
        return reply;
      },
      release: (verdict) => {
        if (!isOpen) return;
        isOpen = false;
        if (verdict !== undefined) gate.learn(verdict, { pass, nowMs: performance.now(), bytes });
        if (isSent) gate.leave(pass, tokens);
        else gate.leaveUnused(pass);
        if (gate.state === 'draining') this.#dropEmpty();
        this.#handOut();
      },
    };
  }

  /** Wakes up for the next trial of an engine in trouble, or when a budget opens, when somebody waits for it. */
  #setAlarm(): void {
    clearTimeout(this.#alarm);
    this.#alarm = undefined;
    if (this.#waiting.isEmpty) return;
    const earliest = this.#nextMs;
    if (earliest === NEVER) return;
    const waitMs = Math.min(LONGEST_ALARM_MS, Math.max(1, earliest - performance.now()));
    this.#alarm = setTimeout(() => this.#handOut(), waitMs);
  }
}

/** A moment of `performance.now()` on the calendar. */
const toDate = (ms: number): Date => new Date(performance.timeOrigin + ms);

const closed = (): Error => new Error('The pool of engines was closed.');

const full = (waiting: number): Problem =>
  new Problem('RESOURCE_EXHAUSTED', `${waiting} requests wait for this model already. Try again in a moment.`, {
    reason: 'LIVE_QUEUE_FULL',
    details: { retryAfterSeconds: COME_AGAIN_SECONDS },
  });
