/** Makes vectors of texts: one text after the other in each of a few contexts, as the library reads the vector of a context's first sequence only. */
import type { LlamaEmbeddingContext, LlamaModel, Token } from 'node-llama-cpp';

type Tokens = readonly Token[];

export class Embedder {
  readonly model: LlamaModel;
  /** Tokens that an input may have. */
  readonly contextSize: number;
  readonly slots: number;
  readonly tally = { promptTokens: 0 };
  readonly #one: LlamaEmbeddingContext;
  readonly #free: LlamaEmbeddingContext[];
  readonly #waiting: ((context: LlamaEmbeddingContext) => void)[] = [];

  constructor(contexts: readonly [LlamaEmbeddingContext, ...LlamaEmbeddingContext[]], contextSize: number) {
    [this.#one] = contexts;
    this.model = this.#one.model;
    this.contextSize = contextSize;
    this.slots = contexts.length;
    this.#free = [...contexts];
  }

  get running(): number {
    return this.slots - this.#free.length;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** How many tokens of the context a text takes: with those that the model wants in front of it and behind it. */
  lengthOf(tokens: Tokens): number {
    return this.#one.calculateInputLength([...tokens]);
  }

  /** A vector for each text, all of the same length. Rejects with the signal's reason. */
  embedAll(texts: readonly Tokens[], signal: AbortSignal): Promise<readonly (readonly number[])[]> {
    return Promise.all(texts.map((tokens) => this.#embed(tokens, signal)));
  }

  async #embed(tokens: Tokens, signal: AbortSignal): Promise<readonly number[]> {
    const context = this.#free.pop() ?? (await this.#wait());
    try {
      signal.throwIfAborted();
      const { vector } = await context.getEmbeddingFor([...tokens]);
      if (!vector.every(Number.isFinite)) throw new Error('the vector has values that are no numbers');
      this.tally.promptTokens += this.lengthOf(tokens);
      return vector;
    } finally {
      this.#giveBack(context);
    }
  }

  #wait(): Promise<LlamaEmbeddingContext> {
    const { promise, resolve } = Promise.withResolvers<LlamaEmbeddingContext>();
    this.#waiting.push(resolve);
    return promise;
  }

  #giveBack(context: LlamaEmbeddingContext): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(context);
    else next(context);
  }
}
