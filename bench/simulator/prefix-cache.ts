/**
 * The prefix cache of an engine as vLLM keeps it: prompts in blocks of 16 tokens, each known by all that comes before it; what no running request uses
 * is forgotten when room is needed, the longest unused first, and of one prompt its end before its beginning.
 */

export const BLOCK_TOKENS = 16;

/** A prompt as the blocks that it consists of: equal numbers are equal prefixes up to there. */
export type Blocks = readonly number[];

export class PrefixCache {
  readonly #capacity: number;
  /** How many running requests use a block. */
  readonly #used = new Map<number, number>();
  /** Blocks that nobody uses, the longest unused first. */
  readonly #idle = new Set<number>();

  constructor(tokens: number) {
    this.#capacity = Math.floor(tokens / BLOCK_TOKENS);
  }

  /** Takes a prompt in, and answers how many of its blocks were there; undefined where there is no room before others end. */
  admit(blocks: Blocks): number | undefined {
    const firstMissing = blocks.findIndex((block) => !this.#used.has(block) && !this.#idle.has(block));
    const cached = firstMissing === -1 ? blocks.length : firstMissing;
    const idleOfOurs = blocks.slice(0, cached).filter((block) => this.#idle.has(block)).length;
    const free = this.#capacity - this.#used.size - this.#idle.size;
    const missing = blocks.length - cached;
    if (missing > free + this.#idle.size - idleOfOurs && this.#used.size > 0) return undefined;
    for (const block of blocks.slice(0, cached)) this.#use(block);
    this.#forget(missing - free);
    for (const block of blocks.slice(cached)) this.#use(block);
    return cached;
  }

  /** A request has ended: its blocks stay until their room is needed. */
  release(blocks: Blocks): void {
    for (const block of blocks.toReversed()) {
      const users = (this.#used.get(block) ?? 1) - 1;
      if (users > 0) this.#used.set(block, users);
      else {
        this.#used.delete(block);
        this.#idle.add(block);
      }
    }
  }

  #use(block: number): void {
    this.#idle.delete(block);
    this.#used.set(block, (this.#used.get(block) ?? 0) + 1);
  }

  #forget(count: number): void {
    let left = count;
    for (const block of this.#idle) {
      if (left-- <= 0) return;
      this.#idle.delete(block);
    }
  }
}
