/** The way to one engine: how many requests it gets, and whether it gets any while it refuses or loses everything. */
import type { Verdict } from './classify-failure.ts';
import type { Engine } from './engine.ts';
import { Limiter } from './limiter.ts';

/**
 * `ready`: it answers. `paused`: it refuses everything for now, as when it loads or its rate is used up.
 * `broken`: connections to it are lost, or its key or model is refused. Both end with one request that goes well.
 */
export type GateState = 'ready' | 'paused' | 'broken';

export interface GateOptions {
  readonly engine: Engine;
  /** The engine's own name for the model. */
  readonly model: string;
  /** Fixes how many requests it gets at once. */
  readonly limit?: number;
  /** Between one trial request to an engine in trouble and the next. */
  readonly trialMs: { readonly first: number; readonly most: number };
}

/** A place that is taken; one in an engine in trouble is a trial. */
export interface Pass {
  readonly isTrial: boolean;
}

interface Learned {
  readonly pass: Pass;
  readonly nowMs: number;
  /** Of the answer: how much work it was. */
  readonly bytes: number;
}

/** Engines that say their slots get a little more, so that a slot never waits for us. */
const OVER_SLOTS = 1.25;
/** So many requests lost one after another, and it is not the requests. */
const LOST_IN_A_ROW = 3;
/** A dead engine may still answer every request at once with a 500, and would then attract all rows. */
const FAILED_IN_A_ROW = 10;

export class Gate {
  readonly engine: Engine;
  readonly model: string;
  readonly #limiter: Limiter;
  readonly #trialMs: GateOptions['trialMs'];
  #inFlight = 0;
  #state: GateState = 'ready';
  #trouble = '';
  #trials = 0;
  #trialAtMs = 0;
  #trying = false;
  #lost = 0;
  #failed = 0;

  constructor({ engine, model, limit, trialMs }: GateOptions) {
    this.engine = engine;
    this.model = model;
    this.#trialMs = trialMs;
    const known = () => limit ?? (engine.slots === undefined ? undefined : Math.ceil(engine.slots * OVER_SLOTS));
    this.#limiter = new Limiter({ known });
  }

  get state(): GateState {
    return this.#state;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get limit(): number {
    return this.#state === 'ready' ? this.#limiter.limit : 1;
  }

  /** The state in words. */
  get why(): string {
    return this.#state === 'ready' ? this.#limiter.why : this.#trouble;
  }

  /** Share of its places that are taken; 1 and more means that it gets nothing now. */
  load(nowMs: number): number {
    if (this.#state === 'ready') return this.#inFlight / this.#limiter.limit;
    return this.#trying || nowMs < this.#trialAtMs ? Number.POSITIVE_INFINITY : 0;
  }

  /** When an engine in trouble gets its next trial request; undefined when nothing is to be waited for. */
  get trialAtMs(): number | undefined {
    return this.#state === 'ready' || this.#trying ? undefined : this.#trialAtMs;
  }

  /** Takes a place. */
  enter(): Pass {
    this.#inFlight += 1;
    this.#trying = this.#state !== 'ready';
    return { isTrial: this.#trying };
  }

  /** Frees a place; nothing is learned. */
  leave({ isTrial }: Pass): void {
    this.#inFlight -= 1;
    if (isTrial) this.#trying = false;
  }

  /** Learns from a reply while its request still holds its place. */
  learn(verdict: Verdict, reply: Learned): void {
    if (verdict.cause === 'aborted') return;
    if (verdict.verdict === 'fatal') this.#close('broken', verdict, reply);
    else if (verdict.status === undefined && verdict.verdict === 'retry') this.#learnLoss(verdict, reply);
    else if (verdict.refused) this.#learnRefusal(verdict, reply);
    else if ((verdict.status ?? 0) >= 500) this.#learnFailure(verdict, reply);
    else this.#learnAnswer(reply);
  }

  #learnAnswer({ nowMs, bytes }: Learned): void {
    this.#lost = 0;
    this.#failed = 0;
    if (this.#state === 'ready') {
      this.#limiter.completed({ nowMs, work: bytes, inFlight: this.#inFlight });
      return;
    }
    this.#state = 'ready';
    this.#trials = 0;
    this.#limiter.recovered();
  }

  #learnRefusal(verdict: Verdict, reply: Learned): void {
    const accepted = this.#inFlight - 1;
    this.#limiter.refused(accepted);
    // While it works on others, each of them that ends makes room; else only time does.
    if (accepted === 0) this.#close('paused', verdict, reply);
  }

  #learnLoss(verdict: Verdict, reply: Learned): void {
    this.#lost += 1;
    if (this.#lost >= LOST_IN_A_ROW || reply.pass.isTrial) this.#close('broken', verdict, reply);
  }

  #learnFailure(verdict: Verdict, reply: Learned): void {
    this.#failed += 1;
    if (this.#failed >= FAILED_IN_A_ROW || reply.pass.isTrial) this.#close('broken', verdict, reply);
  }

  /** Requests that were under way when it closed only tell the same story once more; a trial that fails lengthens the wait. */
  #close(state: 'paused' | 'broken', verdict: Verdict, { nowMs, pass }: Learned): void {
    if (this.#state !== 'ready' && !pass.isTrial) return;
    const { first, most } = this.#trialMs;
    const waitMs = Math.min(most, first * 2 ** this.#trials) * (0.75 + Math.random() / 2);
    this.#trials += 1;
    this.#state = state;
    this.#trouble = verdict.message;
    this.#trialAtMs = nowMs + Math.max(waitMs, verdict.retryAfterMs ?? 0);
  }
}
