/** A model's engines behind one door: places are handed out fairly between jobs, and each engine gets what it can use. */
import type { Verdict } from './classify-failure.ts';
import type { Engine, EngineReply, EngineRequest } from './engine.ts';
import { FairQueue } from './fair-queue.ts';
import { Gate, type GateState } from './gate.ts';
import { offAbort, onAbort } from './on-abort.ts';

export interface PoolEngine {
  readonly engine: Engine;
  /** The engine's own name for the model. */
  readonly model: string;
  /** Fixes how many requests this engine gets at once. */
  readonly limit?: number;
}

export interface PoolOptions {
  /** Fixes how many requests every engine gets at once; without it that follows from the engine's slots, or is found. */
  readonly limit?: number;
  /** How long an engine in trouble is left alone before one request tries it: doubles from the first to the most. Default 1 s to 30 s. */
  readonly trialMs?: { readonly first: number; readonly most: number };
}

/** The right to send one request to one engine. */
export interface Slot {
  /** What the engine calls the model: a request must name it so. */
  readonly model: string;
  /** Sends the request. Once per slot. */
  answer(request: EngineRequest, signal: AbortSignal): Promise<EngineReply>;
  /** Frees the place; the verdict on the answer, when there was one, teaches the pool what the engine can take. A second call does nothing. */
  release(verdict?: Verdict): void;
}

/** One engine of a pool, for people. */
export interface PoolStatus {
  readonly engine: string;
  readonly model: string;
  readonly limit: number;
  readonly inFlight: number;
  readonly state: GateState;
  /** Why it has this limit, or what is wrong with it. */
  readonly why: string;
}

export interface Pool {
  /**
   * Resolves when it is this job's turn and an engine has room. While no engine can answer, it waits, and `status()` says why.
   * Rejects with the signal's reason, or when the pool is closed.
   */
  acquire(jobUid: string, signal: AbortSignal): Promise<Slot>;
  status(): readonly PoolStatus[];
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

/** Makes the pool of a model's engines. */
export const makePool = (engines: readonly PoolEngine[], options: PoolOptions = {}): Pool => new EnginePool(engines, options);

class EnginePool implements Pool {
  readonly #gates: readonly Gate[];
  readonly #waiting = new FairQueue<Waiter>();
  #alarm: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(engines: readonly PoolEngine[], { trialMs = { first: 1_000, most: 30_000 }, ...common }: PoolOptions) {
    this.#gates = engines.map((engine) => new Gate({ ...common, ...engine, trialMs }));
  }

  acquire(jobUid: string, signal: AbortSignal): Promise<Slot> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#closed) return Promise.reject(closed());
    const free = this.#waiting.isEmpty ? this.#freest() : undefined;
    if (free !== undefined) return Promise.resolve(this.#open(free));
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#waiting.remove(jobUid, waiter);
        reject(signal.reason);
      };
      const waiter: Waiter = { resolve, reject, settle: () => offAbort(signal, giveUp) };
      onAbort(signal, giveUp);
      this.#waiting.push(jobUid, waiter);
      this.#setAlarm();
    });
  }

  status(): readonly PoolStatus[] {
    return this.#gates.map(({ engine, model, limit, inFlight, state, why }) => ({
      engine: engine.name,
      model,
      limit,
      inFlight,
      state,
      why,
    }));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#alarm);
    for (let waiter = this.#next(); waiter !== undefined; waiter = this.#next()) waiter.reject(closed());
  }

  /** Gives places to those who wait until either runs out. */
  #handOut(): void {
    while (!this.#waiting.isEmpty) {
      const gate = this.#freest();
      if (gate === undefined) break;
      this.#next()?.resolve(this.#open(gate));
    }
    this.#setAlarm();
  }

  #next(): Waiter | undefined {
    const waiter = this.#waiting.shift();
    waiter?.settle();
    return waiter;
  }

  /** The engine with the largest share of free places. */
  #freest(): Gate | undefined {
    const nowMs = performance.now();
    let best: Gate | undefined;
    let least = 1;
    for (const gate of this.#gates) {
      const load = gate.load(nowMs);
      if (load >= least) continue;
      best = gate;
      least = load;
    }
    return best;
  }

  #open(gate: Gate): Slot {
    const pass = gate.enter();
    let bytes = 0;
    let isOpen = true;
    return {
      model: gate.model,
      async answer(request, signal) {
        const reply = await gate.engine.answer(request, signal);
        bytes = reply.kind === 'answer' ? reply.body.length : 0;
        return reply;
      },
      release: (verdict) => {
        if (!isOpen) return;
        isOpen = false;
        if (verdict !== undefined) gate.learn(verdict, { pass, nowMs: performance.now(), bytes });
        gate.leave(pass);
        this.#handOut();
      },
    };
  }

  /** Wakes up for the next trial of an engine in trouble, when somebody waits for it. */
  #setAlarm(): void {
    clearTimeout(this.#alarm);
    this.#alarm = undefined;
    if (this.#waiting.isEmpty) return;
    const earliest = this.#gates.reduce((first, { trialAtMs = NEVER }) => Math.min(first, trialAtMs), NEVER);
    if (earliest === NEVER) return;
    const waitMs = Math.min(LONGEST_ALARM_MS, Math.max(1, earliest - performance.now()));
    this.#alarm = setTimeout(() => this.#handOut(), waitMs);
  }
}

const closed = (): Error => new Error('The pool of engines was closed.');
