/** Messages to prompt tokens, through the chat template in the model file. */
import { Template } from '@huggingface/jinja';
import type { LlamaModel, Token } from 'node-llama-cpp';
import { messageOf } from '../../base/message-of.ts';
import { Markers } from './markers.ts';
import { Refusal } from './refusal.ts';

/** A message as templates know it: contents are text by now. */
export interface TemplateMessage {
  readonly role: string;
  /** Empty where only tools are called. */
  readonly content: string;
  readonly [field: string]: unknown;
}

export interface TemplateInput {
  readonly messages: readonly TemplateMessage[];
  /** Where the template knows tools. */
  readonly tools?: readonly object[];
  /** Further variables, as `enable_thinking`. */
  readonly variables: Readonly<Record<string, unknown>>;
}

export class ChatTemplate {
  readonly #model: LlamaModel;
  readonly #template: Template;
  readonly #markers: Markers;
  readonly #source: string;
  #tellsSystem: boolean | undefined;
  /** What its statements name, besides attributes. */
  readonly #names: ReadonlySet<string>;

  constructor(model: LlamaModel, source: string) {
    this.#model = model;
    this.#source = source;
    this.#names = findNames(source);
    this.#template = new Template(source);
    this.#markers = new Markers(model);
  }

  /** True when the template reads a variable of this name. */
  reads(variable: string): boolean {
    return this.#names.has(variable);
  }

  /** True when the template writes or looks for this text. */
  says(text: string): boolean {
    return this.#source.includes(text);
  }

  /** True when what a system message says gets into the prompt: some templates refuse it, or pass over it. */
  get tellsSystem(): boolean {
    this.#tellsSystem ??= this.#findsSystem();
    return this.#tellsSystem;
  }

  /** Renders and tokenises. No text of the request ever becomes one of the template's own markers, so nobody can forge a role. */
  toTokens(input: TemplateInput): Token[] {
    const rendered = this.#render(input);
    const apart = this.#markers.mayBeIn(input) ? this.#renderApart(input, rendered) : undefined;
    return withBos(this.#model, apart ?? this.#model.tokenize(rendered, true));
  }

  #findsSystem(): boolean {
    const messages = ['system', 'user'].map((role) => ({ role, content: `${role}-said` }));
    try {
      return this.#render({ messages, variables: {} }).includes('system-said');
    } catch {
      return false;
    }
  }

  #render({ variables, ...input }: TemplateInput): string {
    const { bosString, eosString } = this.#model.tokens;
    try {
      return this.#template.render({
        ...variables,
        ...input,
        add_generation_prompt: true,
        bos_token: bosString ?? '',
        eos_token: eosString ?? '',
      });
    } catch (error) {
      const why = messageOf(error);
      throw new Refusal(`The model's chat template does not take these messages: ${why}`, { param: 'messages' });
    }
  }

  /**
   * Renders again with the request's texts in disguise: what is a marker then is the template's own. Undefined when no other was
   * there before. Between two of the template's own markers a forged one is tokenised as the text that it is.
   */
  #renderApart(input: TemplateInput, rendered: string): Token[] | undefined {
    const disguise = this.#markers.disguiseFor(input);
    const disguised = this.#render(disguise.of(input));
    const [own, all] = [this.#markers.in(disguised), this.#markers.in(rendered)];
    if (own.length === all.length && own.every((marker, index) => marker === all[index])) return undefined;
    return this.#tokenizeApart(this.#markers.cut(disguised).map(disguise.off));
  }

  /** Pieces with a forged marker as plain text, and all between them in one go. */
  #tokenizeApart(pieces: readonly string[]): Token[] {
    const tokens: Token[] = [];
    let run = '';
    for (const [index, piece] of pieces.entries()) {
      const forged = index % 2 === 0 && this.#markers.in(piece).length > 0;
      if (forged) tokens.push(...this.#model.tokenize(run, true), ...this.#model.tokenize(piece, false));
      run = forged ? '' : run + piece;
    }
    return [...tokens, ...this.#model.tokenize(run, true)];
  }
}

function findNames(source: string): ReadonlySet<string> {
  const statements = source.match(/\{[{%].*?[%}]\}/gs) ?? [];
  const code = statements.join(' ').replace(/'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"/gs, "''");
  return new Set(code.match(/(?<![\w.])[A-Za-z_]\w*/g));
}

/** What a template's text tells about it. */
export type TemplateWords = Pick<ChatTemplate, 'reads' | 'says'>;

/** The chat template of a model; undefined when its file holds none. */
export function readChatTemplate(model: LlamaModel): ChatTemplate | undefined {
  const source = model.fileInfo.metadata.tokenizer.chat_template;
  return source === undefined ? undefined : new ChatTemplate(model, source);
}

/** The token with which every prompt of this model begins, unless it is there already. */
export function withBos(model: LlamaModel, tokens: Token[]): Token[] {
  const { bos, shouldPrependBosToken } = model.tokens;
  return bos === null || !shouldPrependBosToken || tokens[0] === bos ? tokens : [bos, ...tokens];
}
