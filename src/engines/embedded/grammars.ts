/** The grammars of requests, ready to use; the rows of a job mostly share one. */
import { type Llama, LlamaGrammarEvaluationState, type LlamaModel } from 'node-llama-cpp';
import { Refusal } from './refusal.ts';

const KEPT = 32;

export class Grammars {
  readonly #llama: Llama;
  readonly #model: LlamaModel;
  /** Unused states, by grammar; every answer gets a copy. */
  readonly #states = new Map<string, LlamaGrammarEvaluationState>();

  constructor(llama: Llama, model: LlamaModel) {
    this.#llama = llama;
    this.#model = model;
  }

  /** A way to begin under a grammar. */
  async of(grammar: string): Promise<() => LlamaGrammarEvaluationState> {
    const state = await this.#stateOf(grammar);
    return () => new LlamaGrammarEvaluationState(state);
  }

  async #stateOf(grammar: string): Promise<LlamaGrammarEvaluationState> {
    const known = this.#states.get(grammar);
    const state = known ?? (await this.#parse(grammar));
    this.#states.delete(grammar);
    this.#states.set(grammar, state);
    const [oldest] = this.#states.keys();
    if (this.#states.size > KEPT && oldest !== undefined) this.#states.delete(oldest);
    return state;
  }

  async #parse(text: string): Promise<LlamaGrammarEvaluationState> {
    try {
      const grammar = await this.#llama.createGrammar({ grammar: text });
      return new LlamaGrammarEvaluationState({ model: this.#model, grammar });
    } catch {
      throw new Refusal(
        "llama.cpp can't parse the grammar. It must be GBNF, define every rule that it names and begin with 'root'.",
        {
          param: 'response_format',
        },
      );
    }
  }
}
