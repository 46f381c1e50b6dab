/** The assistant's turn as it grows: its thinking, what it says, and the tools that it calls. */
import { CallSplitter, type ToolCall } from './split-calls.ts';
import { ReasoningSplitter } from './split-reasoning.ts';

export interface TurnPart {
  readonly reasoning: string;
  readonly content: string;
  readonly calls: readonly ToolCall[];
}

export interface TurnOptions {
  /** The prompt itself ended with the opening mark of a thought. */
  readonly thinking: boolean;
  /** The names of the tools that may be called. */
  readonly tools: ReadonlySet<string>;
}

export class ChatTurn {
  readonly #reasoning: ReasoningSplitter;
  readonly #calls: CallSplitter;
  #called = 0;

  constructor({ thinking, tools }: TurnOptions) {
    this.#reasoning = new ReasoningSplitter(thinking);
    this.#calls = new CallSplitter(tools);
  }

  /** How many tools were called so far. */
  get called(): number {
    return this.#called;
  }

  /** Takes a piece of the text and answers what is certain by it. */
  push(piece: string): TurnPart {
    const { reasoning, content } = this.#reasoning.push(piece);
    return this.#count({ reasoning, ...this.#calls.push(content) });
  }

  /** What was still held when the text ended. */
  end(): TurnPart {
    const { reasoning, content } = this.#reasoning.end();
    const said = [this.#calls.push(content), this.#calls.end()].map((part) => ({ reasoning: '', ...part }));
    return this.#count(joined([{ reasoning, content: '', calls: [] }, ...said]));
  }

  /** A whole text at once. */
  whole(text: string): TurnPart {
    return joined([this.push(text), this.end()]);
  }

  #count(part: TurnPart): TurnPart {
    this.#called += part.calls.length;
    return part;
  }
}

const joined = (parts: readonly TurnPart[]): TurnPart => ({
  reasoning: parts.map(({ reasoning }) => reasoning).join(''),
  content: parts.map(({ content }) => content).join(''),
  calls: parts.flatMap(({ calls }) => calls),
});
