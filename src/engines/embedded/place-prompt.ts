/** Brings a prompt into a slot with as little evaluation as possible: what the slot still holds, then what others evaluated. */
import type { Token } from 'node-llama-cpp';
import { type BatchOrder, toPriority } from './batch-order.ts';
import type { PromisedPrefix, SavedPrefix, SharedPrefixes } from './shared-prefixes.ts';
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

interface Plan {
  /** Tokens at the beginning that the slot still holds. */
  readonly own: number;
  /** Set where another slot's work covers more. */
  readonly copy?: { readonly prefix: SavedPrefix; readonly length: number };
  /** Set where others will want what is evaluated here. */
  readonly toShare?: PromisedPrefix;
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
    const plan = this.#plan(placing);
    try {
      const cachedTokens = await this.#reuse(placing, plan);
      const from = plan.toShare === undefined ? cachedTokens : await this.#share(placing, plan.toShare, cachedTokens);
      const lastPiece = from + Math.floor((placing.prompt.length - 1 - from) / PIECE) * PIECE;
      await this.#feed(placing, from, lastPiece);
      return { cachedTokens, rest: placing.prompt.slice(lastPiece) };
    } catch (error) {
      plan.toShare?.givenUp();
      throw error;
    }
  }

  /** Decides in one go, without a pause in which a second prompt could decide to evaluate the same. */
  #plan(placing: PromptPlacing): Plan {
    const { slot, prompt, choices } = placing;
    // At least one token has to be evaluated, or there is nothing to draw the first answer token from.
    const end = prompt.length - 1;
    const own = Math.min(prefixIn(slot, prompt), end);
    const worth = choices > 1 ? 1 : WORTH_A_COPY;
    const saved = this.#prefixes.find(prompt);
    const common = this.#prefixes.remember(prompt);
    if (slot.sequence.needsCheckpoints) return { own };
    const copied = Math.min(saved?.length ?? 0, end);
    const copy = saved !== undefined && copied - own >= worth ? { prefix: saved.prefix, length: copied } : undefined;
    const shared = choices > 1 ? end : Math.min(common, end);
    const toShare = shared - (copy?.length ?? own) >= worth ? this.#prefixes.promise(prompt.slice(0, shared)) : undefined;
    return { own, ...(copy === undefined ? {} : { copy }), ...(toShare === undefined ? {} : { toShare }) };
  }

  /** Cuts the slot back to what it has in common with the prompt, or loads a saved prefix that covers more. */
  async #reuse({ slot }: PromptPlacing, { own, copy }: Plan): Promise<number> {
    if (copy !== undefined && (await copy.prefix.ready)) {
      return (await this.#load(slot, copy.prefix, copy.length)) ? copy.length : 0;
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
  async #share(placing: PromptPlacing, promised: PromisedPrefix, from: number): Promise<number> {
    const { sequence } = placing.slot;
    await this.#feed(placing, from, promised.tokens.length);
    const { fileSize } = await this.#order.alone(() => sequence.saveStateToFile(promised.path));
    promised.saved(fileSize);
    return promised.tokens.length;
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

async function cut({ sequence }: Slot, length: number): Promise<void> {
  if (length < sequence.nextTokenIndex) await sequence.eraseContextTokenRanges([{ start: length, end: sequence.nextTokenIndex }]);
}
