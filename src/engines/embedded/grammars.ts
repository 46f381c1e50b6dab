/** The grammars of requests, ready to use; the rows of a job mostly share one. */
import { type Llama, LlamaGrammarEvaluationState, type LlamaModel } from 'node-llama-cpp';
import { checkGrammar } from './check-grammar.ts';
import { type Fields, isFields, readFields, readText, wrong } from './fields.ts';
import { makeJsonSchemaGrammar } from './json-schema-grammar.ts';
import { Refusal } from './refusal.ts';

const KEPT = 32;
const ANY_OBJECT = { type: 'object', additionalProperties: true } as const;

export class Grammars {
  readonly #llama: Llama;
  readonly #model: LlamaModel;
  /** Unused states, by grammar; every answer gets a copy. */
  readonly #states = new Map<string, LlamaGrammarEvaluationState>();

  constructor(llama: Llama, model: LlamaModel) {
    this.#llama = llama;
    this.#model = model;
  }

  /** A way to begin under the grammar that a request asks for; undefined when it asks for none. */
  async of(body: Fields): Promise<(() => LlamaGrammarEvaluationState) | undefined> {
    const grammar = toGrammar(body);
    if (grammar === undefined) return undefined;
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

/** The grammar text for `response_format`. */
function toGrammar(body: Fields): string | undefined {
  const format = readFields(body, 'response_format');
  if (format === undefined) return undefined;
  switch (format['type']) {
    case 'text':
      return undefined;
    case 'json_object':
      return makeJsonSchemaGrammar(format['schema'] ?? ANY_OBJECT);
    case 'json_schema':
      return makeJsonSchemaGrammar(schemaOf(format));
    case 'grammar':
      return grammarOf(format);
    default:
      throw wrong('response_format.type', 'one of text, json_object, json_schema, grammar', format['type']);
  }
}

function schemaOf(format: Fields): unknown {
  const wrapped = format['json_schema'];
  const schema = isFields(wrapped) ? (wrapped['schema'] ?? wrapped) : format['schema'];
  if (isFields(schema)) return schema;
  throw wrong('response_format.json_schema', 'an object with a JSON schema', wrapped ?? schema);
}

function grammarOf(format: Fields): string {
  const grammar = readText(format, 'grammar');
  if (grammar === undefined || grammar.trim() === '') throw wrong('response_format.grammar', 'a grammar in GBNF', grammar);
  checkGrammar(grammar);
  return grammar;
}
