/** Tells a model's thinking from its answer: what stands between `<think>` and `</think>` in front of everything else. */
const OPEN = '<think>';
const CLOSE = '</think>';

export interface SplitText {
  readonly reasoning: string;
  readonly content: string;
}

type Phase = 'undecided' | 'reasoning' | 'gap' | 'content';

export class ReasoningSplitter {
  #phase: Phase;
  /** Text that may be a part of a mark, or space that may be dropped. */
  #held = '';

  /** `begun`: the prompt itself ended with the opening mark. */
  constructor(begun: boolean) {
    this.#phase = begun ? 'reasoning' : 'undecided';
  }

  /** Takes a piece of the text and answers what is certain by it. */
  push(piece: string): SplitText {
    this.#held += piece;
    let reasoning = '';
    if (this.#phase === 'undecided') this.#decide();
    if (this.#phase === 'reasoning') reasoning = this.#reason();
    if (this.#phase === 'gap') this.#skipGap();
    return { reasoning, content: this.#phase === 'content' ? this.#take(this.#held.length) : '' };
  }

  /** What was still held when the text ended. */
  end(): SplitText {
    const rest = this.#take(this.#held.length);
    if (this.#phase === 'reasoning') return { reasoning: rest, content: '' };
    return { reasoning: '', content: this.#phase === 'gap' ? '' : rest };
  }

  #decide(): void {
    const text = this.#held.trimStart();
    if (text.startsWith(OPEN)) {
      this.#held = text.slice(OPEN.length);
      this.#phase = 'reasoning';
    } else if (!OPEN.startsWith(text)) {
      this.#phase = 'content';
    }
  }

  #reason(): string {
    const at = this.#held.indexOf(CLOSE);
    if (at === -1) return this.#take(this.#held.length - partialEnd(this.#held));
    const reasoning = this.#take(at);
    this.#take(CLOSE.length);
    this.#phase = 'gap';
    return reasoning;
  }

  /** Models leave empty lines between their thinking and their answer. */
  #skipGap(): void {
    this.#held = this.#held.trimStart();
    if (this.#held !== '') this.#phase = 'content';
  }

  #take(length: number): string {
    const taken = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return taken;
  }
}

/** Splits a whole text. */
export function splitReasoning(text: string, begun: boolean): SplitText {
  const splitter = new ReasoningSplitter(begun);
  const [most, rest] = [splitter.push(text), splitter.end()];
  return { reasoning: most.reasoning + rest.reasoning, content: most.content + rest.content };
}

/** How much of a whole text is thinking, its marks included. */
export function reasoningLength(text: string, begun: boolean): number {
  if (!begun && !text.trimStart().startsWith(OPEN)) return 0;
  const at = text.indexOf(CLOSE);
  return at === -1 ? text.length : at + CLOSE.length;
}

/** True when the prompt ends with the opening mark, as some templates have it. */
export const endsThinking = (promptEnd: string): boolean => promptEnd.trimEnd().endsWith(OPEN);

/** How much of the end of the text may be the start of the closing mark. */
function partialEnd(text: string): number {
  for (let length = CLOSE.length - 1; length > 0; length--) if (text.endsWith(CLOSE.slice(0, length))) return length;
  return 0;
}
