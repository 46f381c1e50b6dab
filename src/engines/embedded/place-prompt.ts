/** Brings a prompt into a slot with as little evaluation as possible: what the slot still holds, then what others evaluated. */
import type { Token } from 'node-llama-cpp';
import { type BatchOrder, toPriority } from './batch-order.ts';
import type { SavedPrefix, SharedPrefixes } from './shared-prefixes.ts';
import { prefixIn, type Slot } from './slots.ts';

export interface PromptPlacing {
  readonly slot: Slot;
  readonly prompt: readonly Token[];
  /** How many choices are generated from this very prompt. */
  readonly choices: number;
  readonly signal: AbortSignal;
}

export interface PlacedPrompt {
  /** Tokens that were evaluated before and did not have to be again. */
  readonly cachedTokens: number;
  /** The end of the prompt, never empty: to be evaluated together with the first answer token. */
  readonly rest: Token[];
}

/** A prompt can't be left while it is evaluated, so it goes in by pieces. */
const PIECE = 256;
/** Copying a shorter prefix costs as much as evaluating it. */
const WORTH_A_COPY = 64;

export class PromptPlacer {
  readonly #order: BatchOrder;
  readonly #prefixes: SharedPrefixes;

  constructor(order: BatchOrder, prefixes: SharedPrefixes) {
    this.#order = order;
    this.#prefixes = prefixes;
  }

  async place(placing: PromptPlacing): Promise<PlacedPrompt> {
    const { slot, prompt } = placing;
    // At least one token has to be evaluated, or there is nothing to draw the first answer token from.
    const end = prompt.length - 1;
    const cachedTokens = await this.#reuse(placing, end);
    const common = this.#prefixes.remember(prompt);
    const shared = placing.choices > 1 ? end : Math.min(common, end);
    const worth = shared - cachedTokens >= worthACopy(placing) && !slot.sequence.needsCheckpoints;
    const from = worth ? await this.#share(placing, shared) : cachedTokens;
    const lastPiece = Math.max(from, from + Math.floor((end - from) / PIECE) * PIECE);
    await this.#feed(placing, from, lastPiece);
    return { cachedTokens, rest: prompt.slice(lastPiece) };
  }

  /** Cuts the slot back to what it has in common with the prompt, or loads a saved prefix that covers more. */
  async #reuse(placing: PromptPlacing, end: number): Promise<number> {
    const { slot, prompt } = placing;
    const own = Math.min(prefixIn(slot, prompt), end);
    const saved = slot.sequence.needsCheckpoints ? undefined : this.#prefixes.find(prompt);
    if (saved !== undefined && Math.min(saved.length, end) - own >= worthACopy(placing) && (await saved.prefix.ready)) {
      const length = Math.min(saved.length, end);
      if (await this.#load(slot, saved.prefix, length)) return length;
      return 0;
    }
    if (own < slot.sequence.nextTokenIndex) await this.#order.alone(() => cut(slot, own));
    return own;
  }

  /** The file may be gone by now: then the slot is left empty. */
  #load(slot: Slot, prefix: SavedPrefix, length: number): Promise<boolean> {
    return this.#order.alone(async () => {
      try {
        await slot.sequence.loadStateFromFile(prefix.path, { acceptRisk: true });
        await cut(slot, length);
        return true;
      } catch {
        await slot.sequence.clearHistory();
        return false;
      }
    });
  }

  /** Evaluates what the prompt shares with others, and saves it for their slots. */
  async #share(placing: PromptPlacing, end: number): Promise<number> {
    const { slot, prompt } = placing;
    const promised = this.#prefixes.promise(prompt.slice(0, end));
    try {
      await this.#feed(placing, slot.sequence.nextTokenIndex, end);
      const { fileSize } = await this.#order.alone(() => slot.sequence.saveStateToFile(promised.path));
      promised.saved(fileSize);
    } catch (error) {
      promised.givenUp();
      throw error;
    }
    return end;
  }

  async #feed({ slot, prompt, signal }: PromptPlacing, from: number, end: number): Promise<void> {
    if (from >= end) return;
    await this.#order.enter();
    try {
      for (let start = from; start < end; start += PIECE) {
        signal.throwIfAborted();
        await this.#order.pass();
        const piece = prompt.slice(start, Math.min(end, start + PIECE));
        await slot.sequence.evaluateWithoutGeneratingNewTokens(piece, { evaluationPriority: toPriority(slot.number) });
      }
    } finally {
      this.#order.leave();
    }
  }
}

const worthACopy = ({ choices }: PromptPlacing): number => (choices > 1 ? 1 : WORTH_A_COPY);

async function cut({ sequence }: Slot, length: number): Promise<void> {
  if (length < sequence.nextTokenIndex) await sequence.eraseContextTokenRanges([{ start: length, end: sequence.nextTokenIndex }]);
}
