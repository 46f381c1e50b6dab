/** Brings a prompt into a slot with as little evaluation as possible: what the slot still holds, then what others evaluated. */
import type { Token } from 'node-llama-cpp';
import { type BatchOrder, toPriority } from './batch-order.ts';
import { orAborted } from './or-aborted.ts';
import type { PromisedPrefix, PromptHolder, SavedPrefix, SharedPrefixes } from './shared-prefixes.ts';
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
  /** To be called when the rest has been evaluated, or won't be: others may wait for it. */
  readonly evaluated: () => void;
}

interface Plan {
  /** Tokens at the beginning that the slot still holds. */
  readonly own: number;
  /** Set where another slot's work covers more. */
  readonly copy?: { readonly prefix: SavedPrefix; readonly length: number };
  /** Set where others will want what is evaluated here. */
  readonly toShare?: PromisedPrefix;
  /** Set where another slot holds that already, or is about to. */
  readonly holder?: PromptHolder;
}

/** A prompt can't be left while it is evaluated, so it goes in by pieces. */
const PIECE = 256;
/** Copying a shorter prefix costs as much as evaluating it. */
const WORTH_A_COPY = 64;
/** The share of another's prompt that has to be wanted, or waiting until that is evaluated takes longer than evaluating what is shared. */
const WORTH_A_WAIT = 0.5;

export class PromptPlacer {
  readonly #order: BatchOrder;
  readonly #prefixes: SharedPrefixes;

  constructor(order: BatchOrder, prefixes: SharedPrefixes) {
    this.#order = order;
    this.#prefixes = prefixes;
  }

  async place(placing: PromptPlacing): Promise<PlacedPrompt> {
    const { promise, resolve: evaluated } = Promise.withResolvers<void>();
    const plan = this.#plan(placing, promise);
    const { toShare } = plan;
    try {
      const cachedTokens = await this.#reuse(placing, plan);
      const isShared = toShare === undefined || cachedTokens >= toShare.tokens.length;
      const from = isShared ? cachedTokens : await this.#share(placing, toShare, cachedTokens);
      const lastPiece = from + Math.floor((placing.prompt.length - 1 - from) / PIECE) * PIECE;
      await this.#feed(placing, from, lastPiece);
      return { cachedTokens, rest: placing.prompt.slice(lastPiece), evaluated };
    } catch (error) {
      toShare?.givenUp();
      evaluated();
      throw error;
    }
  }

  /** Decides in one go, without a pause in which a second prompt could decide to evaluate the same. */
  #plan({ slot, prompt, choices }: PromptPlacing, evaluated: Promise<void>): Plan {
    // At least one token has to be evaluated, or there is nothing to draw the first answer token from.
    const end = prompt.length - 1;
    const own = Math.min(prefixIn(slot, prompt), end);
    const worth = choices > 1 ? 1 : WORTH_A_COPY;
    const saved = this.#prefixes.find(prompt);
    const { length: common, holder } = this.#prefixes.remember({ slot, prompt, evaluated });
    if (slot.sequence.needsCheckpoints) return { own };
    const copied = Math.min(saved?.length ?? 0, end);
    const copy = saved !== undefined && copied - own >= worth ? { prefix: saved.prefix, length: copied } : undefined;
    const shared = choices > 1 ? end : Math.min(common, end);
    const toShare = shared - (copy?.length ?? own) >= worth ? this.#prefixes.promise(prompt.slice(0, shared)) : undefined;
    const isWorthTheWait = holder !== undefined && shared <= common && shared >= holder.prompt.length * WORTH_A_WAIT;
    return {
      own,
      ...(copy === undefined ? {} : { copy }),
      ...(toShare === undefined ? {} : { toShare }),
      ...(isWorthTheWait ? { holder } : {}),
    };
  }

  /** Loads what another slot holds, or a saved prefix, where it covers more than the slot has in common with the prompt; else cuts the slot back to that. */
  async #reuse({ slot, prompt, signal }: PromptPlacing, { own, copy, toShare, holder }: Plan): Promise<number> {
    if (toShare !== undefined && holder !== undefined) {
      // That may take long: who hangs up meanwhile keeps no slot.
      await orAborted(holder.evaluated, signal);
      if (await this.#saveFrom(holder, toShare)) return this.#load(slot, toShare, prompt.slice(0, toShare.tokens.length));
    }
    if (copy !== undefined && (await orAborted(copy.prefix.ready, signal)))
      return this.#load(slot, copy.prefix, prompt.slice(0, copy.length));
    if (own < slot.sequence.nextTokenIndex) await this.#order.alone(() => cut(slot, own));
    return own;
  }

  /** Saves a prefix from the slot that has evaluated it; false when that has another prompt by now, or there is no room for it. */
  #saveFrom({ slot }: PromptHolder, promised: PromisedPrefix): Promise<boolean> {
    return this.#order.alone(async () => prefixIn(slot, promised.tokens) >= promised.tokens.length && save(slot, promised));
  }

  /** Answers how many tokens the slot then has. The file may be gone by now: then the slot is left empty. */
  #load(slot: Slot, prefix: SavedPrefix, tokens: readonly Token[]): Promise<number> {
    return this.#order.alone(async () => {
      try {
        // Empty before: where the file is gone, the tokens that the slot had would stay in it and nothing would know of them.
        await slot.sequence.clearHistory();
        await slot.sequence.loadStateFromFile(prefix.path, { acceptRisk: true });
        const length = prefixIn(slot, tokens);
        await cut(slot, length);
        return length;
      } catch {
        await slot.sequence.clearHistory();
        return 0;
      }
    });
  }

  /** Evaluates what the prompt shares with others, and saves it for their slots. */
  async #share(placing: PromptPlacing, promised: PromisedPrefix, from: number): Promise<number> {
    await this.#feed(placing, from, promised.tokens.length);
    if (!(await this.#order.alone(() => save(placing.slot, promised)))) promised.givenUp();
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

/** False when that can't be, as on a full disk: then others evaluate what they would have copied. */
async function save({ sequence }: Slot, promised: PromisedPrefix): Promise<boolean> {
  try {
    const { fileSize } = await sequence.saveStateToFile(promised.path);
    promised.saved(fileSize);
    return true;
  } catch {
    return false;
  }
}

async function cut({ sequence }: Slot, length: number): Promise<void> {
  if (length < sequence.nextTokenIndex) await sequence.eraseContextTokenRanges([{ start: length, end: sequence.nextTokenIndex }]);
}
