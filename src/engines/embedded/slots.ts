/** The sequences of the context as slots, each of which remembers what it last held. */
import type { LlamaContextSequence, Token } from 'node-llama-cpp';

export interface Slot {
  /** Its place in the batch. */
  readonly number: number;
  readonly sequence: LlamaContextSequence;
}

/** Fewer shared tokens than these are no reason to leave a low slot free. */
const WORTH_A_HOLE = 32;

interface Waiting {
  readonly prompt: readonly Token[];
  readonly take: (slot: Slot) => void;
}

/** Hands slots out, first come, first served. */
export class Slots {
  readonly #free: Slot[];
  readonly #waiting = new Set<Waiting>();
  readonly total: number;

  constructor(sequences: readonly LlamaContextSequence[]) {
    this.#free = sequences.map((sequence, number) => ({ number, sequence }));
    this.total = sequences.length;
  }

  get running(): number {
    return this.total - this.#free.length;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Waits for a slot; rejects with the signal's reason when nobody wants it any more. */
  async take(prompt: readonly Token[], signal: AbortSignal): Promise<Slot> {
    signal.throwIfAborted();
    if (this.#free.length > 0) return this.#pick(prompt);
    const { promise, resolve, reject } = Promise.withResolvers<Slot>();
    const waiting = { prompt, take: resolve };
    const giveUp = (): void => {
      if (this.#waiting.delete(waiting)) reject(signal.reason);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    this.#waiting.add(waiting);
    return promise.finally(() => signal.removeEventListener('abort', giveUp));
  }

  giveBack(slot: Slot): void {
    this.#free.push(slot);
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    next.take(this.#pick(next.prompt));
  }

  /** The slot that holds the longest prefix of the prompt; the lowest one when that gains little, as holes split the batch. */
  #pick(prompt: readonly Token[]): Slot {
    const inOrder = this.#free.toSorted((a, b) => a.number - b.number);
    const [lowest] = inOrder;
    if (lowest === undefined) throw new Error('A slot was asked for while none is free.');
    const best = inOrder.reduce((a, b) => (prefixIn(b, prompt) > prefixIn(a, prompt) ? b : a));
    const slot = prefixIn(best, prompt) - prefixIn(lowest, prompt) >= WORTH_A_HOLE ? best : lowest;
    this.#free.splice(this.#free.indexOf(slot), 1);
    return slot;
  }
}

/** How many tokens of the prompt the slot can keep. */
export function prefixIn({ sequence }: Slot, prompt: readonly Token[]): number {
  const { firstDifferentIndex } = sequence.compareContextTokens(prompt as Token[]);
  // Hybrid and sliding-window models can't be cut back: they keep all that they hold or nothing.
  if (sequence.needsCheckpoints && firstDifferentIndex < sequence.nextTokenIndex) return 0;
  return firstDifferentIndex;
}
