/** Messages to prompt tokens, through the chat template in the model file. */
import { Template } from '@huggingface/jinja';
import type { LlamaModel, Token } from 'node-llama-cpp';
import { messageOf } from '../../base/message-of.ts';
import { Refusal } from './refusal.ts';

/** A message as templates know it: contents are text by now. */
export interface TemplateMessage {
  readonly role: string;
  readonly content: string | null;
  readonly [field: string]: unknown;
}

export interface TemplateInput {
  readonly messages: readonly TemplateMessage[];
  /** Further variables, as `enable_thinking`. */
  readonly variables: Readonly<Record<string, unknown>>;
}

/** GGUF's numbers for unknown, control and user-defined tokens. */
const SET_APART: ReadonlySet<number> = new Set([2, 3, 4]);

export class ChatTemplate {
  readonly #model: LlamaModel;
  readonly #template: Template;
  readonly #markers: RegExp;

  constructor(model: LlamaModel, source: string) {
    this.#model = model;
    this.#template = new Template(source);
    this.#markers = toMarkers(model);
  }

  /** Renders and tokenises. What a message says never becomes one of the template's own markers, so nobody can forge a role. */
  toTokens(input: TemplateInput): Token[] {
    const rendered = this.#render(input);
    const forged = input.messages.some(({ content }) => content !== null && this.#holdsMarkers(content));
    const tokens = forged ? this.#tokenizeApart(input) : this.#model.tokenize(rendered, true);
    return withBos(this.#model, tokens);
  }

  #render({ messages, variables }: TemplateInput): string {
    const { bosString, eosString } = this.#model.tokens;
    try {
      return this.#template.render({
        ...variables,
        messages,
        add_generation_prompt: true,
        bos_token: bosString ?? '',
        eos_token: eosString ?? '',
      });
    } catch (error) {
      const why = messageOf(error);
      throw new Refusal(`The model's chat template does not take these messages: ${why}`, { param: 'messages' });
    }
  }

  #holdsMarkers(content: string): boolean {
    // Tokenising twice costs more than rendering does, and hardly any text comes near a marker.
    if (!this.#markers.test(content)) return false;
    const plain = this.#model.tokenize(content, false);
    const marked = this.#model.tokenize(content, true);
    return plain.length !== marked.length || plain.some((token, index) => token !== marked[index]);
  }

  /** Renders with place-holders in place of the contents, and tokenises each side of the borders in its own way. */
  #tokenizeApart({ messages, variables }: TemplateInput): Token[] {
    const mark = `content${crypto.randomUUID().replaceAll('-', '')}x`;
    const marked = messages.map((message, index) =>
      message.content === null ? message : { ...message, content: `${mark}${index}x` },
    );
    const rendered = this.#render({ messages: marked, variables });
    const pieces = rendered.split(new RegExp(`${mark}(\\d+)x`));
    // Odd pieces are the numbers between the borders.
    return pieces.flatMap((piece, index) =>
      index % 2 === 0 ? this.#model.tokenize(piece, true) : this.#model.tokenize(messages[Number(piece)]?.content ?? '', false),
    );
  }
}

/** Finds the text of whatever the vocabulary sets apart from plain text. */
function toMarkers(model: LlamaModel): RegExp {
  const { tokens, token_type: types } = model.fileInfo.metadata.tokenizer.ggml;
  // Without types nothing is known, and everything is looked at closely.
  if (types === undefined) return /(?:)/;
  const markers = tokens.filter((text, token) => SET_APART.has(types[token] ?? 0) && text !== '');
  return markers.length === 0 ? /(?!)/ : new RegExp(markers.map((text) => RegExp.escape(text)).join('|'));
}

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
