/** Which beginnings prompts have in common, and the evaluated ones among them that were saved for other slots. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Token } from 'node-llama-cpp';
import type { Slot } from './slots.ts';

type Tokens = readonly Token[];

/** The slot that a prompt is evaluated in. Another prompt may have it later. */
export interface PromptHolder {
  readonly slot: Slot;
  readonly prompt: Tokens;
  /** Resolves once the prompt is in the slot, or won't come to be. */
  readonly evaluated: Promise<void>;
}

/** An evaluated prefix in a file, or on its way there. */
export interface SavedPrefix {
  readonly tokens: Tokens;
  readonly path: string;
  /** True once the file can be loaded; false when its making was given up. */
  readonly ready: Promise<boolean>;
}

/** A prefix that somebody has promised to save. */
export interface PromisedPrefix extends SavedPrefix {
  saved(bytes: number): void;
  /** It won't be saved; without effect once it was. */
  givenUp(): void;
}

interface Entry extends PromisedPrefix {
  bytes: number;
  lastUsed: number;
}

const REMEMBERED_PROMPTS = 64;

export class SharedPrefixes {
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #entries = new Set<Entry>();
  #recent: PromptHolder[] = [];
  #clock = 0;

  constructor(folder: string, maxBytes: number) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  /** How many tokens the prompt shares with some recent prompt, and who holds that; it is a recent one from now on. */
  remember(latest: PromptHolder): { readonly length: number; readonly holder?: PromptHolder } {
    let [longest, holder]: [number, PromptHolder | undefined] = [0, undefined];
    for (const recent of this.#recent) {
      const length = commonLength(recent.prompt, latest.prompt);
      if (length > longest) [longest, holder] = [length, recent];
    }
    if (longest < latest.prompt.length) this.#recent = [latest, ...this.#recent.slice(0, REMEMBERED_PROMPTS - 1)];
    return { length: longest, ...(holder === undefined ? {} : { holder }) };
  }

  /** The saved prefix that covers most of the prompt. */
  find(prompt: Tokens): { readonly prefix: SavedPrefix; readonly length: number } | undefined {
    const found = [...this.#entries]
      .map((prefix) => ({ prefix, length: commonLength(prefix.tokens, prompt) }))
      .reduce<{ prefix: Entry; length: number } | undefined>(
        (a, b) => (a !== undefined && a.length >= b.length ? a : b),
        undefined,
      );
    if (found !== undefined) found.prefix.lastUsed = ++this.#clock;
    return found;
  }

  /** Announces a prefix, so that others wait for it and do not evaluate it too. */
  promise(tokens: Tokens): PromisedPrefix {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const number = ++this.#clock;
    const entry: Entry = {
      tokens,
      path: join(this.#folder, `${number}.state`),
      ready: promise,
      bytes: 0,
      lastUsed: number,
      saved: (bytes) => {
        entry.bytes = bytes;
        resolve(true);
        this.#makeRoom(entry);
      },
      givenUp: () => {
        // Others may have begun to load it, and who comes later can.
        if (entry.bytes > 0) return;
        this.#drop(entry);
        resolve(false);
      },
    };
    this.#entries.add(entry);
    return entry;
  }

  #makeRoom(latest: Entry): void {
    const saved = [...this.#entries].filter((entry) => entry.bytes > 0);
    let bytes = saved.reduce((sum, entry) => sum + entry.bytes, 0);
    for (const entry of saved.toSorted((a, b) => a.lastUsed - b.lastUsed)) {
      if (bytes <= this.#maxBytes) return;
      if (entry === latest) continue;
      bytes -= entry.bytes;
      this.#drop(entry);
    }
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry);
    rmSync(entry.path, { force: true });
  }
}

/** How many tokens two sequences have in common from their beginning. */
function commonLength(a: Tokens, b: Tokens): number {
  const end = Math.min(a.length, b.length);
  for (let index = 0; index < end; index++) if (a[index] !== b[index]) return index;
  return end;
}
