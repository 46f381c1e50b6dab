/** Messages to prompt tokens, through the chat template in the model file. */
import { Template } from '@huggingface/jinja';
import type { LlamaModel, Token } from 'node-llama-cpp';
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

export class ChatTemplate {
  readonly #model: LlamaModel;
  readonly #template: Template;

  constructor(model: LlamaModel, source: string) {
    this.#model = model;
    this.#template = new Template(source);
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
      const why = error instanceof Error ? error.message : String(error);
      throw new Refusal(`The model's chat template does not take these messages: ${why}`, { param: 'messages' });
    }
  }

  #holdsMarkers(content: string): boolean {
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
