/** Tells an answer's calls of tools from its text. */
import { randomBytes } from 'node:crypto';
import { partialStop } from './answer-text.ts';
import { isFields } from './fields.ts';
import { CALL_CLOSE, CALL_OPEN } from './tool-words.ts';

export interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  /** The arguments are JSON, as the model wrote it. */
  readonly function: { readonly name: string; readonly arguments: string };
}

export interface SplitCalls {
  readonly content: string;
  readonly calls: readonly ToolCall[];
}

export class CallSplitter {
  readonly #names: ReadonlySet<string>;
  #held = '';
  /** Space that follows a call is dropped, whenever it comes. */
  #inGap = false;

  /** `names`: the tools that were offered. What calls another one, or in another form, stays text. */
  constructor(names: ReadonlySet<string>) {
    this.#names = names;
  }

  /** Takes a piece of the text and answers what is certain by it. */
  push(piece: string): SplitCalls {
    this.#held += piece;
    return this.#names.size === 0 ? { content: this.#take(this.#held.length), calls: [] } : this.#split(false);
  }

  /** What was still held when the text ended. */
  end(): SplitCalls {
    const { content, calls } = this.#split(true);
    return { content: content + this.#take(this.#held.length), calls };
  }

  #split(ended: boolean): SplitCalls {
    const calls: ToolCall[] = [];
    let content = '';
    this.#skipGap();
    for (let block = this.#nextBlock(ended); block !== undefined; block = this.#nextBlock(ended)) {
      const call = toCall(block.inside, this.#names);
      const before = this.#take(block.start);
      const text = this.#take(block.end - block.start);
      content += call === undefined ? before + text : before.trimEnd();
      if (call === undefined) continue;
      calls.push(call);
      this.#inGap = true;
      this.#skipGap();
    }
    return { content: content + this.#take(this.#free()), calls };
  }

  #skipGap(): void {
    if (this.#inGap) this.#held = this.#held.trimStart();
    if (this.#held !== '') this.#inGap = false;
  }

  /** The next block between the marks; one that is cut off counts when nothing more comes. */
  #nextBlock(ended: boolean): { readonly start: number; readonly end: number; readonly inside: string } | undefined {
    const start = this.#held.indexOf(CALL_OPEN);
    if (start === -1) return undefined;
    const from = start + CALL_OPEN.length;
    const close = this.#held.indexOf(CALL_CLOSE, from);
    if (close !== -1) return { start, end: close + CALL_CLOSE.length, inside: this.#held.slice(from, close) };
    return ended ? { start, end: this.#held.length, inside: this.#held.slice(from) } : undefined;
  }

  /** How much is sure to be text: neither a call, nor the space before one. */
  #free(): number {
    const start = this.#held.indexOf(CALL_OPEN);
    const text = this.#held.slice(0, start === -1 ? this.#held.length - partialStop(this.#held, [CALL_OPEN]) : start);
    return text.trimEnd().length;
  }

  #take(length: number): string {
    const taken = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return taken;
  }
}

/** The usual order, in which the arguments can be taken as they are written. */
const USUAL = /^\s*\{\s*"name"\s*:\s*"([^"\\]*)"\s*,\s*"arguments"\s*:\s*(\{.*\})\s*\}\s*$/s;

function toCall(text: string, names: ReadonlySet<string>): ToolCall | undefined {
  const said = parse(text);
  if (!isFields(said)) return undefined;
  const { name, arguments: given } = said;
  if (typeof name !== 'string' || !names.has(name) || !isFields(given)) return undefined;
  const [, , written] = USUAL.exec(text) ?? [];
  const own = written !== undefined && parse(written) !== undefined ? written : JSON.stringify(given);
  return { id: `call_${randomBytes(12).toString('hex')}`, type: 'function', function: { name, arguments: own } };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
