/**
 * Who of this process's models is in memory, and who makes room for whom: idle ones go first, the longest idle before the others; where all are busy they take turns,
 * so that each one's jobs go on.
 */
import { totalmem } from 'node:os';
import { Problem } from '../../base/problem.ts';
import { orAborted } from './or-aborted.ts';
import type { StartedChild } from './start-child.ts';

/** A model that may be in memory. */
export interface Lodger {
  /** Since when nobody asks it, of `performance.now()`; undefined while somebody does. */
  readonly idleSinceMs: number | undefined;
  /** Leaves the memory as soon as what it works on is answered; resolves when it has. */
  leave(why: string): Promise<void>;
}

/** What a model may take that is to be loaded. */
export interface Room {
  /** Memory that the other models leave, by what they were reckoned to take. */
  readonly roomBytes: number;
  /** Rather not at all than with fewer slots or a shorter context: others could go. */
  readonly atBest: boolean;
}

export interface LoadWish {
  /** For people: whom others make room for. */
  readonly name: string;
  /** How much all models together may take; default what the machine has. */
  readonly memoryBytes?: number | undefined;
  /** Rejects with a `Problem` MODEL_TOO_LARGE where the room is too small. */
  readonly start: (room: Room) => Promise<StartedChild>;
  /** Gives it up while it waits. */
  readonly signal: AbortSignal;
}

export interface EngineMemoryOptions {
  /** How long a busy model is left in memory while others wait; default 30 s, or ten times as long as it took to load. */
  readonly turnMs?: number;
}

interface Stay {
  readonly bytes: number;
  readonly turnEndsMs: number;
}

const TURN_MS = 30_000;
/** Loading models in turns may not take more than a tenth of the time. */
const LOADS_PER_TURN = 10;
/** One that hangs while it loads lets the next one pass. */
const PATIENCE_MS = 20_000;

export class EngineMemory {
  readonly #turnMs: number | undefined;
  readonly #stays = new Map<Lodger, Stay>();
  /** The end of the line of those who want to be loaded: two at once would take memory from each other. */
  #line: Promise<void> = Promise.resolve();
  #change = Promise.withResolvers<void>();

  constructor({ turnMs }: EngineMemoryOptions = {}) {
    this.#turnMs = turnMs;
  }

  /** Starts its child as soon as there is room. Rejects as `start` does where all others are gone and there still is none, or with the signal's reason. */
  async load(lodger: Lodger, wish: LoadWish): Promise<StartedChild> {
    const before = this.#line;
    const { promise: passed, resolve: pass } = Promise.withResolvers<void>();
    this.#line = before.then(() => passed);
    try {
      await orAborted(before, wish.signal);
      return await this.#loadNext(lodger, wish, pass);
    } finally {
      pass();
    }
  }

  /** Its memory is free again. */
  left(lodger: Lodger): void {
    if (this.#stays.delete(lodger)) this.changed();
  }

  /** To be called when somebody has become idle. */
  changed(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  async #loadNext(lodger: Lodger, wish: LoadWish, pass: () => void): Promise<StartedChild> {
    for (;;) {
      wish.signal.throwIfAborted();
      const impatience = setTimeout(pass, PATIENCE_MS);
      try {
        return await this.#start(lodger, wish).finally(() => clearTimeout(impatience));
      } catch (cause) {
        const isScarce = cause instanceof Problem && cause.reason === 'MODEL_TOO_LARGE';
        if (!isScarce || !(await this.#makeRoom(lodger, wish))) throw cause;
      }
    }
  }

  async #start(lodger: Lodger, { start, memoryBytes = machineBytes() }: LoadWish): Promise<StartedChild> {
    const others = this.#othersOf(lodger);
    const taken = others.reduce((sum, [, { bytes }]) => sum + bytes, 0);
    const began = performance.now();
    const atBest = others.some(([{ idleSinceMs }]) => idleSinceMs !== undefined);
    const child = await start({ roomBytes: Math.max(0, memoryBytes - taken), atBest });
    const now = performance.now();
    const turnMs = this.#turnMs ?? Math.max(TURN_MS, LOADS_PER_TURN * (now - began));
    this.#stays.set(lodger, { bytes: child.memoryBytes, turnEndsMs: now + turnMs });
    return child;
  }

  /** Resolves when one more has left, with false when there is nobody else. */
  async #makeRoom(lodger: Lodger, { name, signal }: LoadWish): Promise<boolean> {
    for (;;) {
      const others = this.#othersOf(lodger);
      if (others.length === 0) return false;
      const leaver = pickLeaver(others);
      if (leaver !== undefined) {
        await orAborted(leaver.leave(`${name} needs the memory`), signal);
        return true;
      }
      const nextMs = Math.min(...others.map(([, { turnEndsMs }]) => turnEndsMs));
      await this.#until(nextMs, signal);
    }
  }

  #othersOf(lodger: Lodger): readonly (readonly [Lodger, Stay])[] {
    return [...this.#stays].filter(([other]) => other !== lodger);
  }

  async #until(atMs: number, signal: AbortSignal): Promise<void> {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const clock = setTimeout(resolve, Math.max(0, atMs - performance.now()));
    await orAborted(Promise.race([over, this.#change.promise]), signal).finally(() => clearTimeout(clock));
  }
}

/** That of this process, as there is one memory. */
export const processMemory = new EngineMemory();

/** The longest idle, else the one whose turn has been over for the longest time. */
function pickLeaver(others: readonly (readonly [Lodger, Stay])[]): Lodger | undefined {
  const sinceMs = ([{ idleSinceMs }]: readonly [Lodger, Stay]): number => idleSinceMs ?? Number.POSITIVE_INFINITY;
  const [first] = others.toSorted((a, b) => sinceMs(a) - sinceMs(b) || a[1].turnEndsMs - b[1].turnEndsMs);
  if (first === undefined) return undefined;
  const [lodger, { turnEndsMs }] = first;
  return lodger.idleSinceMs !== undefined || turnEndsMs <= performance.now() ? lodger : undefined;
}

/** What this process may have, in a container too. */
function machineBytes(): number {
  const allowed = process.constrainedMemory();
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
}
