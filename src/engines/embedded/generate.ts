/** One answer: takes a slot, places the prompt, draws tokens until something ends the answer, gives the slot back. */
import type { LlamaGrammarEvaluationState, LlamaModel, Token } from 'node-llama-cpp';
import { AnswerText } from './answer-text.ts';
import type { BatchOrder } from './batch-order.ts';
import { type DrawnToken, drawTokens } from './draw-tokens.ts';
import type { PromptPlacer } from './place-prompt.ts';
import type { Sampling } from './sampling.ts';
import type { Slots } from './slots.ts';
import { type TokenLikelihood, toLikelihood } from './token-likelihood.ts';

export interface AnswerOptions {
  readonly prompt: readonly Token[];
  readonly maxTokens: number;
  readonly sampling: Sampling;
  /** Text that ends the answer and does not belong to it. */
  readonly stops: readonly string[];
  /** Go on after the token by which the model says that it is done. */
  readonly ignoreEos: boolean;
  readonly grammar: LlamaGrammarEvaluationState | undefined;
  /** How many of the likeliest tokens to tell besides the drawn one; undefined: no log-probabilities. */
  readonly topLogprobs: number | undefined;
  /** How many answers this prompt gets. */
  readonly choices: number;
}

export type FinishReason = 'stop' | 'length';

export interface Answer {
  readonly text: string;
  readonly finishReason: FinishReason;
  readonly cachedTokens: number;
  /** All that were drawn, also the one that says the end. */
  readonly completionTokens: number;
  /** Of the tokens that are part of the text; empty unless asked for. */
  readonly likelihoods: readonly TokenLikelihood[];
  /** Where in the text each token begins; without the one that says the end. */
  readonly starts: readonly number[];
}

/** Told while an answer grows: the text that is certain, and the likelihoods of all tokens so far that are certain. */
export type OnText = (text: string, likelihoods: readonly TokenLikelihood[]) => void;

export interface Generator {
  readonly model: LlamaModel;
  readonly slots: Slots;
  readonly order: BatchOrder;
  readonly placer: PromptPlacer;
  readonly tally: Tally;
}

/** Tokens since the start, for `/metrics`. */
interface Tally {
  promptTokens: number;
  cachedTokens: number;
  completionTokens: number;
}

export interface Hearer {
  readonly signal: AbortSignal;
  readonly onText: OnText;
}

/** Generates one answer. Rejects with the signal's reason when it fires. */
export async function generate(generator: Generator, options: AnswerOptions, { signal, onText }: Hearer): Promise<Answer> {
  const { model, order, slots, placer, tally } = generator;
  const { prompt, choices } = options;
  const slot = await slots.take(prompt, signal);
  try {
    const { cachedTokens, rest, evaluated } = await placer.place({ slot, prompt, choices, signal });
    tally.promptTokens += prompt.length;
    tally.cachedTokens += cachedTokens;
    try {
      const growing = new GrowingAnswer(model, options, onText);
      for await (const drawn of drawTokens({ ...options, model, order, slot, rest, signal })) {
        evaluated();
        tally.completionTokens++;
        if (growing.take(drawn)) break;
      }
      return { ...growing.end(), cachedTokens };
    } finally {
      evaluated();
    }
  } finally {
    slots.giveBack(slot);
  }
}

const TOKENS_BEFORE = 8;

class GrowingAnswer {
  readonly #model: LlamaModel;
  readonly #options: AnswerOptions;
  readonly #onText: OnText;
  readonly #text: AnswerText;
  readonly #likelihoods: { readonly likelihood: TokenLikelihood; readonly start: number }[] = [];
  readonly #starts: number[] = [];
  #finishReason: FinishReason = 'length';
  #tokens: Token[];
  #drawn = 0;
  #whole = '';
  #told = 0;

  constructor(model: LlamaModel, options: AnswerOptions, onText: OnText) {
    this.#model = model;
    this.#options = options;
    this.#onText = onText;
    this.#text = new AnswerText(model, options.prompt, options.stops);
    this.#tokens = options.prompt.slice(-TOKENS_BEFORE);
  }

  /** Takes the next token; true when it was the last. */
  take(drawn: DrawnToken): boolean {
    this.#drawn++;
    if (this.#model.isEogToken(drawn.token)) {
      if (this.#options.ignoreEos) return this.#drawn === this.#options.maxTokens;
      this.#finishReason = 'stop';
      return true;
    }
    this.#starts.push(this.#text.length);
    this.#note(drawn);
    this.#release(this.#text.push(drawn.token));
    if (!this.#text.stopped) return this.#drawn === this.#options.maxTokens;
    this.#finishReason = 'stop';
    return true;
  }

  end(): Omit<Answer, 'cachedTokens'> {
    this.#release(this.#text.end());
    return {
      text: this.#whole,
      finishReason: this.#finishReason,
      completionTokens: this.#drawn,
      likelihoods: this.#certain(),
      starts: this.#starts,
    };
  }

  #note({ token, probability, top }: DrawnToken): void {
    if (probability === undefined || top === undefined) return;
    const tell = (entry: readonly [Token, number]) => toLikelihood(this.#model, entry, this.#tokens);
    this.#likelihoods.push({ likelihood: { ...tell([token, probability]), top: top.map(tell) }, start: this.#text.length });
    this.#tokens = [...this.#tokens, token].slice(-TOKENS_BEFORE);
  }

  #release(piece: string): void {
    if (piece === '') return;
    this.#whole += piece;
    const certain = this.#certain();
    this.#onText(piece, certain.slice(this.#told));
    this.#told = certain.length;
  }

  /** Tokens that begin inside the text that was released: what a stop string swallowed is not told. */
  #certain(): readonly TokenLikelihood[] {
    return this.#likelihoods.filter(({ start }) => start < this.#whole.length).map(({ likelihood }) => likelihood);
  }
}
