/** Tells a model's thinking from its answer: what stands between `<think>` and `</think>` in front of everything else. */
import { partialStop } from './answer-text.ts';

export const THOUGHT_OPEN = '<think>';
export const THOUGHT_CLOSE = '</think>';

interface SplitText {
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
    if (text.startsWith(THOUGHT_OPEN)) {
      this.#held = text.slice(THOUGHT_OPEN.length);
      this.#phase = 'reasoning';
    } else if (!THOUGHT_OPEN.startsWith(text)) {
      this.#phase = 'content';
    }
  }

  #reason(): string {
    const at = this.#held.indexOf(THOUGHT_CLOSE);
    if (at === -1) return this.#take(this.#held.length - partialStop(this.#held, [THOUGHT_CLOSE]));
    const reasoning = this.#take(at);
    this.#take(THOUGHT_CLOSE.length);
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

/** How much of a whole text is thinking, its marks included. */
export function reasoningLength(text: string, begun: boolean): number {
  if (!begun && !text.trimStart().startsWith(THOUGHT_OPEN)) return 0;
  const at = text.indexOf(THOUGHT_CLOSE);
  return at === -1 ? text.length : at + THOUGHT_CLOSE.length;
}

/** True when the prompt ends with the opening mark, as some templates have it. */
export const endsThinking = (promptEnd: string): boolean => promptEnd.trimEnd().endsWith(THOUGHT_OPEN);
