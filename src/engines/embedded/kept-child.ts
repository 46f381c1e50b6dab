/** A child that is there when it is needed: let go while nobody asks, loaded by the next request, and started again when it died. */
import type { Log } from '../../base/log.ts';
import { messageOf } from '../../base/message-of.ts';
import { Problem } from '../../base/problem.ts';
import type { Engine } from '../engine.ts';
import { openUpstream } from '../upstream.ts';
import { type EngineMemory, type Lodger, processMemory, type Room } from './engine-memory.ts';
import { type Loading, UNLOAD_IDLE_MS } from './loading.ts';
import { orAborted } from './or-aborted.ts';
import { type StartedChild, startChild } from './start-child.ts';

export interface KeptChildOptions extends Loading {
  readonly modelPath: string;
  /** A LoRA adapter that goes on it, as GGUF. */
  readonly adapterPath?: string;
  /** The name under which the model is asked. */
  readonly modelId: string;
  /** Requests at once; default 8 to 16, as the memory allows. */
  readonly slots?: number;
  /** Tokens of prompt and answer together; default what the model was trained for, at most 4,096, as the memory allows. */
  readonly contextSize?: number;
  readonly threads?: number;
  /** Requests that may wait for a slot before more are refused with 429; default 1,024. */
  readonly maxWaiting?: number;
  readonly log?: Log;
  /** Whom it shares the memory with; default all models of this process. */
  readonly memory?: EngineMemory;
}

/** A child from its start to its end. */
export interface Life {
  readonly child: StartedChild;
  readonly upstream: Engine;
}

/** A child that dies so often in so short a time, and answers nothing in between, is not started again. */
const MOST_DEATHS = 5;
const DEATHS_WITHIN_MS = 60_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** Timers count no further. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Loading failed, and would fail again. */
const NOT_AGAIN: ReadonlySet<string> = new Set(['MODEL_TOO_LARGE', 'MODEL_LOAD_TIMEOUT']);

export class KeptChild implements Lodger {
  readonly #name: string;
  readonly #options: KeptChildOptions;
  readonly #memory: EngineMemory;
  readonly #closed = new AbortController();
  #life: Life | undefined;
  /** Why there is no child, while there is none. */
  #away = 'it is being started';
  #isUnloaded = false;
  #last: Pick<StartedChild, 'slots' | 'contextSize' | 'paths'> | undefined;
  /** Who asks: those who are let in, and those who wait for it to be loaded. */
  #asking = 0;
  #inside = 0;
  #idleSinceMs: number | undefined = performance.now();
  #idleClock: NodeJS.Timeout | undefined;
  #whenEmpty: () => void = () => {};
  #leaving: Promise<void> | undefined;
  #loading: Promise<string | undefined> | undefined;
  #reviving: Promise<void> | undefined;
  #deaths: number[] = [];

  constructor(name: string, options: KeptChildOptions) {
    this.#name = name;
    this.#options = options;
    this.#memory = options.memory ?? processMemory;
  }

  /** Of the child that there is, or was last. */
  get slots(): number | undefined {
    return this.#last?.slots;
  }

  /** The request paths that it answers. */
  get paths(): readonly string[] {
    return this.#last?.paths ?? [];
  }

  get isUnloaded(): boolean {
    return this.#isUnloaded;
  }

  get idleSinceMs(): number | undefined {
    return this.#idleSinceMs;
  }

  /** Why it can't be asked. */
  get away(): string {
    return `${this.#name} is away: ${this.#away}.`;
  }

  /** Resolves when it has come back from its death, or stays down. */
  get revived(): Promise<void> {
    return this.#reviving ?? Promise.resolve();
  }

  /** Loads it, as soon as there is room. Rejects with what `startChild` says, or when it is closed. */
  async start(): Promise<void> {
    const { log, maxWaiting = 1_024, loadMs, unloadIdleMs: _, memoryBytes, memory: __, ...options } = this.#options;
    // Rows were checked against the context that it had.
    const wishes = { ...options, ...(this.#last && { contextSize: this.#last.contextSize }), maxWaiting };
    const child = await this.#memory.load(this, {
      name: this.#name,
      memoryBytes,
      start: (room: Room) => startChild({ ...wishes, ...room }, loadMs),
      signal: this.#closed.signal,
    });
    const { pid, slots, contextSize, paths, threads, memoryBytes: takes } = child;
    log?.info({ engine: this.#name, pid, slots, contextSize, threads, memoryBytes: takes }, 'engine started');
    this.#last = { slots, contextSize, paths };
    const life = { child, upstream: openUpstream({ baseUrl: child.baseUrl, name: this.#name }) };
    this.#life = life;
    this.#isUnloaded = false;
    void child.gone.then((cause) => this.#onDeath(life, cause));
    this.#watchIdleness();
  }

  /** Lets a request in, to a child that is loaded for it where need be; undefined when there is none, or nobody wants it any more. Who is let in leaves by `exit`. */
  async enter(signal: AbortSignal): Promise<Life | undefined> {
    this.#asking += 1;
    this.#idleSinceMs = undefined;
    clearTimeout(this.#idleClock);
    const life = await this.#find(signal);
    if (life === undefined) this.#asksNoMore();
    return life;
  }

  exit(): void {
    this.#inside -= 1;
    if (this.#inside === 0) this.#whenEmpty();
    this.#asksNoMore();
  }

  /** It has answered: what killed it before is over. */
  answered(): void {
    if (this.#deaths.length > 0) this.#deaths = [];
  }

  leave(why: string): Promise<void> {
    this.#leaving ??= this.#unload(why).finally(() => {
      this.#leaving = undefined;
    });
    return this.#leaving;
  }

  async close(): Promise<void> {
    this.#closed.abort(new Problem('CANCELLED', `${this.#name} was closed.`, { reason: 'ENGINE_CLOSED' }));
    clearTimeout(this.#idleClock);
    await this.#loading;
    await this.#reviving;
    await this.#end('it was closed');
    // Whoever empties it for others has nothing to empty any more.
    this.#whenEmpty();
    await this.#leaving;
  }

  /** Who finds it is inside at once: in the next moment it could be on its way out. */
  async #find(signal: AbortSignal): Promise<Life | undefined> {
    while (!this.#closed.signal.aborted && !signal.aborted) {
      if (this.#leaving === undefined && this.#life !== undefined) {
        this.#inside += 1;
        return this.#life;
      }
      if (this.#leaving === undefined && !this.#isUnloaded) return undefined;
      const coming: Promise<unknown> = this.#leaving ?? this.#load();
      const trouble = await orAborted(coming, signal).catch(() => undefined);
      if (typeof trouble === 'string') return undefined;
    }
    return undefined;
  }

  /** One load for all who wait. Resolves with what went wrong: the next request tries again. */
  #load(): Promise<string | undefined> {
    this.#loading ??= this.#startAgain().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #startAgain(): Promise<string | undefined> {
    try {
      // It was loaded before: what ended it now, as a kill, need not end it again.
      await this.start().catch((cause: unknown) =>
        this.#closed.signal.aborted || (cause instanceof Problem && NOT_AGAIN.has(cause.reason))
          ? Promise.reject(cause)
          : this.start(),
      );
      return undefined;
    } catch (cause) {
      this.#away = `its model can't be loaded: ${messageOf(cause)}`;
      if (!this.#closed.signal.aborted) this.#options.log?.warn({ engine: this.#name, cause }, 'model not loaded');
      return this.#away;
    }
  }

  #asksNoMore(): void {
    this.#asking -= 1;
    this.#watchIdleness();
  }

  /** While nobody asks it, its time in memory runs out. */
  #watchIdleness(): void {
    if (this.#asking > 0 || this.#closed.signal.aborted) return;
    this.#idleSinceMs = performance.now();
    this.#memory.changed();
    clearTimeout(this.#idleClock);
    const { unloadIdleMs = UNLOAD_IDLE_MS } = this.#options;
    if (this.#life === undefined || unloadIdleMs === 0) return;
    const ms = Math.min(LONGEST_TIMER_MS, unloadIdleMs);
    this.#idleClock = setTimeout(() => void this.leave(`nobody asked it for ${ms / 1000} s`), ms).unref();
  }

  /** Whoever comes from here on waits until it is gone, and has it loaded again. */
  async #unload(why: string): Promise<void> {
    if (this.#life === undefined) return;
    const { pid } = this.#life.child;
    const { promise: empty, resolve } = Promise.withResolvers<void>();
    this.#whenEmpty = resolve;
    this.#options.log?.info({ engine: this.#name, pid, why, inFlight: this.#inside }, 'model is being unloaded');
    if (this.#inside > 0) await empty;
    if (this.#closed.signal.aborted) return;
    this.#isUnloaded = true;
    await this.#end(`it is not in memory, as ${why}`);
    this.#options.log?.info({ engine: this.#name, pid, why }, 'model unloaded');
  }

  async #end(away: string): Promise<void> {
    const life = this.#life;
    this.#life = undefined;
    this.#away = away;
    await life?.upstream.close();
    await life?.child.stop();
    this.#memory.left(this);
  }

  #onDeath(life: Life, cause: string): void {
    if (this.#life !== life) return;
    this.#life = undefined;
    this.#memory.left(this);
    if (this.#closed.signal.aborted) return;
    void life.upstream.close();
    // On its way out it stays out: whoever needs the memory would wait for it.
    if (this.#leaving === undefined) this.#reviving = this.#revive(cause);
    else this.#options.log?.warn({ engine: this.#name, cause }, 'engine died');
  }

  async #revive(firstCause: string): Promise<void> {
    let cause: string | undefined = firstCause;
    while (cause !== undefined && this.#mayRevive(cause)) {
      await this.#wait(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#deaths.length - 1)));
      if (this.#closed.signal.aborted) return;
      cause = await this.start().then(() => undefined, messageOf);
    }
  }

  #mayRevive(cause: string): boolean {
    if (this.#closed.signal.aborted) return false;
    const now = Date.now();
    this.#deaths = [...this.#deaths.filter((at) => now - at < DEATHS_WITHIN_MS), now];
    const { length } = this.#deaths;
    const again = length < MOST_DEATHS;
    this.#away = again
      ? `it died (${cause}) and is being started again`
      : `it died ${length} times within a minute without an answer in between, the last time by ${cause}, and stays down`;
    this.#options.log?.[again ? 'warn' : 'error'](
      { engine: this.#name, cause, deaths: length },
      again ? 'engine died' : 'engine stays down',
    );
    return again;
  }

  async #wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const clock = setTimeout(resolve, ms);
    await orAborted(promise, this.#closed.signal).catch(() => undefined);
    clearTimeout(clock);
  }
}
