/** Turns answer tokens into text as they come: whole characters only, and nothing that may be the start of a stop string. */
import type { LlamaModel, Token } from 'node-llama-cpp';

/** Enough for the detokenizer to see whether a space belongs in front. */
const TOKENS_BEFORE = 8;
/** No character is spread over more tokens than this; what is still broken then is a broken character. */
const LONGEST_CHARACTER = 8;
const BROKEN = '\ufffd';

export class AnswerText {
  readonly #model: LlamaModel;
  readonly #stops: readonly string[];
  #before: Token[];
  #pending: Token[] = [];
  /** Text that may be the start of a stop string. */
  #held = '';
  #stopped = false;
  #released = 0;

  constructor(model: LlamaModel, prompt: readonly Token[], stops: readonly string[]) {
    this.#model = model;
    this.#before = prompt.slice(-TOKENS_BEFORE);
    this.#stops = stops;
  }

  /** True once a stop string was met; it and what follows are not part of the text. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Characters so far, those included that are still held. */
  get length(): number {
    return this.#released + this.#held.length;
  }

  /** Takes a token and answers the text that is certain by it. */
  push(token: Token): string {
    this.#pending.push(token);
    const text = this.#model.detokenize(this.#pending, false, this.#before);
    if (text.endsWith(BROKEN) && this.#pending.length < LONGEST_CHARACTER) return '';
    this.#before = [...this.#before, ...this.#pending].slice(-TOKENS_BEFORE);
    this.#pending = [];
    return this.#release(text);
  }

  /** What was still held when the answer ended by itself. */
  end(): string {
    const text = this.#held + this.#model.detokenize(this.#pending, false, this.#before);
    this.#held = '';
    this.#pending = [];
    return this.#stopped ? '' : text;
  }

  #release(more: string): string {
    const text = this.#held + more;
    const at = firstStop(text, this.#stops);
    this.#stopped = at !== -1;
    const end = this.#stopped ? at : text.length - partialStop(text, this.#stops);
    this.#held = this.#stopped ? '' : text.slice(end);
    this.#released += end;
    return text.slice(0, end);
  }
}

/** Where the first stop string begins, or -1. */
function firstStop(text: string, stops: readonly string[]): number {
  const found = stops.map((stop) => text.indexOf(stop)).filter((at) => at !== -1);
  return found.length === 0 ? -1 : Math.min(...found);
}

/** The length of the longest end of the text with which a stop string begins, and does not end. */
export function partialStop(text: string, stops: readonly string[]): number {
  const longest = Math.max(0, ...stops.map((stop) => stop.length - 1));
  for (let length = Math.min(longest, text.length); length > 0; length--) {
    const tail = text.slice(-length);
    if (stops.some((stop) => stop.startsWith(tail))) return length;
  }
  return 0;
}
