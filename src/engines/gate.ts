/** The way to one engine: how many requests it gets, and whether it gets any while it refuses or loses everything. */
import type { Budget } from './budget.ts';
import type { Verdict } from './classify-failure.ts';
import type { Engine } from './engine.ts';
import { GaugeWatch } from './gauge-watch.ts';
import { Limiter } from './limiter.ts';

/**
 * `ready`: it answers. `paused`: it refuses everything for now, as when it loads or its rate is used up.
 * `broken`: connections to it are lost, or its key or model is refused. Both end with one request that goes well.
 * `draining`: it finishes what it has and gets nothing new.
 */
export type GateState = 'ready' | 'paused' | 'broken' | 'draining';

export interface GateOptions {
  readonly engine: Engine;
  /** The engine's own name for the model. */
  readonly model: string;
  /** Fixes how many requests it gets at once. */
  readonly limit?: number;
  /** How much it may get a minute; one for all models of an engine. */
  readonly budget?: Budget;
  /** Where a search for its limit begins; default as in `Limiter`. */
  readonly start?: number | undefined;
  /** Called when it may take more than before, not for a request that ended. */
  readonly onRoom: () => void;
  /** Between one trial request to an engine in trouble and the next. */
  readonly trialMs: { readonly first: number; readonly most: number };
}

/** A place that is taken; one in an engine in trouble is a trial. */
export interface Pass {
  readonly isTrial: boolean;
  /** When it was taken: its request leaves at once. */
  readonly sentMs: number;
}

interface Learned {
  readonly pass: Pass;
  readonly nowMs: number;
  /** Of the answer: how much work it was. */
  readonly bytes: number;
}

/** Something that went wrong, at a moment of `performance.now()`. */
interface Trouble {
  readonly message: string;
  readonly atMs: number;
}

/** Engines that say their slots get a little more, so that a slot never waits for us. */
const OVER_SLOTS = 1.25;
/** So many requests lost one after another, and it is not the requests. */
const LOST_IN_A_ROW = 3;
/** A dead engine may still answer every request at once with a 500, and would then attract all rows. */
const FAILED_IN_A_ROW = 10;
/** An engine that answers well in between refuses single requests, not our key. */
const REFUSED_IN_A_ROW = 3;
/** Who gets more than it takes refuses again at once: a refusal with so many answers before it says nothing of how much it takes. */
const LONE_AFTER = 10;
/** One question about its health may get lost. */
const UNHEARD_IN_A_ROW = 2;

export class Gate {
  readonly engine: Engine;
  readonly model: string;
  readonly #known: () => number | undefined;
  readonly #limiter: Limiter;
  readonly #gauge: GaugeWatch;
  readonly #trialMs: GateOptions['trialMs'];
  #inFlight = 0;
  #state: GateState = 'ready';
  #trouble = '';
  #trials = 0;
  #trialAtMs = 0;
  #trying = false;
  #lost = 0;
  #failed = 0;
  #fatal = 0;
  #unheard = 0;
  /** It has answered since it was last closed. */
  #hasAnswered = false;
  #answersSinceRefusal = Number.POSITIVE_INFINITY;
  /** It was closed because nothing got through to it. */
  #wasUnreachable = false;
  #isDraining = false;
  #sinceMs = performance.now();
  #lastLearnedMs = Number.NEGATIVE_INFINITY;
  #lastError: Trouble | undefined;
  readonly #budget: Budget | undefined;

  constructor({ engine, model, limit, budget, start, onRoom, trialMs }: GateOptions) {
    this.engine = engine;
    this.model = model;
    this.#trialMs = trialMs;
    this.#budget = budget;
    this.#known = () => limit ?? (engine.slots === undefined ? undefined : Math.ceil(engine.slots * OVER_SLOTS));
    this.#limiter = new Limiter({ known: this.#known, start });
    this.#gauge = new GaugeWatch(engine, {
      isBusy: () => this.#inFlight > 0,
      tell: (gauge) => {
        this.#limiter.observed({ ...gauge, nowMs: performance.now(), inFlight: this.#inFlight });
        onRoom();
      },
    });
  }

  get state(): GateState {
    return this.#isDraining ? 'draining' : this.#state;
  }

  /** Since when it has its state. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** What went wrong last. */
  get lastError(): Trouble | undefined {
    return this.#lastError;
  }

  /** When a request last told something of it. */
  get lastLearnedMs(): number {
    return this.#lastLearnedMs;
  }

  /** True when the tokens of its answers are counted. */
  get countsTokens(): boolean {
    return this.#budget?.countsTokens ?? false;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get limit(): number {
    if (this.#isDraining) return 0;
    return this.#state === 'ready' ? this.#limiter.limit : 1;
  }

  /** The state in words. */
  get why(): string {
    if (this.#isDraining) return 'it finishes what it has and gets nothing new';
    return this.#state === 'ready' ? this.#limiter.why : this.#trouble;
  }

  /** Share of its places that are taken; 1 and more means that it gets nothing now. */
  load(nowMs: number): number {
    if (this.#isDraining || (this.#budget?.opensAtMs(nowMs) ?? 0) > nowMs) return Number.POSITIVE_INFINITY;
    if (this.#state === 'ready') return this.#inFlight / this.#limiter.limit;
    return this.#trying || nowMs < this.#trialAtMs ? Number.POSITIVE_INFINITY : 0;
  }

  /** When it gets its next request by the clock alone: a trial, or what its budget allows. Undefined when nothing is to be waited for. */
  nextAtMs(nowMs: number): number | undefined {
    if (this.#isDraining) return undefined;
    const opensAtMs = this.#budget?.opensAtMs(nowMs) ?? nowMs;
    if (this.#state === 'ready') return opensAtMs > nowMs || this.#hasOpened ? opensAtMs : undefined;
    return this.#trying ? undefined : Math.max(opensAtMs, this.#trialAtMs);
  }

  /** Its budget may open between the moment when a place was looked for and this one: whoever missed that would never be woken. */
  get #hasOpened(): boolean {
    return this.#budget !== undefined && this.#inFlight < this.#limiter.limit;
  }

  /** From here on it gets nothing new. */
  drain(): void {
    this.#isDraining = true;
    this.#sinceMs = performance.now();
  }

  /** What a question about its health said, asked while no request tells. */
  heard(verdict: Verdict, nowMs: number): void {
    const isWell = verdict.verdict === 'success';
    this.#unheard = isWell ? 0 : this.#unheard + 1;
    if (!isWell && this.#state === 'ready' && this.#unheard >= UNHEARD_IN_A_ROW) this.#closeUnheard(verdict, nowMs);
    if (!isWell || this.#state === 'ready') return;
    // Whether it does again what it is for only a request can tell; that it is there is all that was in doubt here.
    if (this.#wasUnreachable) this.#open(nowMs, { wasAway: true });
  }

  /** Takes a place. */
  enter(): Pass {
    const sentMs = performance.now();
    this.#budget?.spend(sentMs);
    this.#inFlight += 1;
    if (this.#known() === undefined) this.#gauge.wake();
    this.#trying = this.#state !== 'ready';
    return { isTrial: this.#trying, sentMs };
  }

  /** Frees a place; nothing is learned but what the request cost, where that is known. */
  leave({ isTrial }: Pass, tokens?: number): void {
    this.#budget?.settle(tokens, performance.now());
    this.#inFlight -= 1;
    if (isTrial) this.#trying = false;
  }

  /** Frees a place that nothing was sent from. */
  leaveUnused(pass: Pass): void {
    this.#budget?.refund(performance.now());
    this.leave(pass);
  }

  /** Learns from a reply while its request still holds its place. */
  learn(verdict: Verdict, reply: Learned): void {
    if (verdict.cause === 'aborted') return;
    this.#lastLearnedMs = reply.nowMs;
    this.#unheard = 0;
    if (verdict.verdict === 'fatal' || verdict.verdict === 'retry')
      this.#lastError = { message: verdict.message, atMs: reply.nowMs };
    if (verdict.verdict === 'fatal') this.#learnFatal(verdict, reply);
    else if (verdict.status === undefined && verdict.verdict === 'retry') this.#learnLoss(verdict, reply);
    else if (verdict.refused) this.#learnRefusal(verdict, reply);
    else if ((verdict.status ?? 0) >= 500) this.#learnFailure(verdict, reply);
    else this.#learnAnswer(reply);
  }

  #learnAnswer({ nowMs, bytes, pass }: Learned): void {
    this.#lost = 0;
    this.#failed = 0;
    this.#fatal = 0;
    this.#hasAnswered = true;
    this.#answersSinceRefusal += 1;
    if (this.#state === 'ready')
      this.#limiter.completed({ nowMs, work: bytes, inFlight: this.#inFlight, latencyMs: nowMs - pass.sentMs });
    // One that was under way when it closed shows that it never was away.
    else this.#open(nowMs, { wasAway: pass.isTrial });
  }

  #open(nowMs: number, { wasAway }: { readonly wasAway: boolean }): void {
    this.#state = 'ready';
    this.#sinceMs = nowMs;
    this.#trials = 0;
    if (wasAway) this.#limiter.recovered();
  }

  #closeUnheard(verdict: Verdict, nowMs: number): void {
    this.#lastError = { message: verdict.message, atMs: nowMs };
    this.#close('broken', verdict, { nowMs });
    this.#wasUnreachable = true;
  }

  #learnRefusal(verdict: Verdict, reply: Learned): void {
    const accepted = this.#inFlight - 1;
    if (this.#answersSinceRefusal < LONE_AFTER) this.#limiter.refused(accepted);
    this.#answersSinceRefusal = 0;
    // While it works on others, each of them that ends makes room; else only time does.
    if (accepted === 0) this.#close('paused', verdict, reply);
  }

  #learnFatal(verdict: Verdict, reply: Learned): void {
    this.#fatal += 1;
    if (this.#fatal >= REFUSED_IN_A_ROW || !this.#hasAnswered) this.#close('broken', verdict, reply);
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
  #close(state: 'paused' | 'broken', verdict: Verdict, { nowMs, pass }: Pick<Learned, 'nowMs'> & Partial<Learned>): void {
    if (this.#state !== 'ready' && !pass?.isTrial) return;
    const { first, most } = this.#trialMs;
    const waitMs = Math.min(most, first * 2 ** this.#trials) * (0.75 + Math.random() / 2);
    this.#trials += 1;
    this.#hasAnswered = false;
    if (this.#state !== state) this.#sinceMs = nowMs;
    this.#state = state;
    this.#wasUnreachable = verdict.status === undefined && verdict.refused;
    this.#trouble = verdict.message;
    this.#trialAtMs = nowMs + Math.max(waitMs, verdict.retryAfterMs ?? 0);
  }
}
