/** The control tokens of a vocabulary, by which templates tell who speaks, and how to know whose text they came from. */
import type { LlamaModel, Token } from 'node-llama-cpp';
import { isFields } from './fields.ts';
import { Refusal } from './refusal.ts';

/** GGUF's numbers for unknown, control and user-defined tokens. */
const SET_APART: ReadonlySet<number> = new Set([2, 3, 4]);
/** llama.cpp knows some markers by their text, whatever the file says of them. */
const LOOKS_APART = /^[<[{(].+[>\]})]$/;
const PRIVATE_USE = { first: 0xe000, last: 0xf8ff } as const;

/** Swaps characters of markers for stand-ins and back. */
export interface Disguise {
  readonly of: <Value>(value: Value) => Value;
  readonly off: (text: string) => string;
}

export class Markers {
  readonly #markers: RegExp;
  /** Every marker has one of these characters, and few other texts do. */
  readonly #telling: readonly string[];

  constructor(model: LlamaModel) {
    const texts = findControlTexts(model);
    this.#markers = texts.length === 0 ? /(?!)/g : new RegExp(texts.map((text) => RegExp.escape(text)).join('|'), 'g');
    this.#telling = chooseTelling(texts);
  }

  /** The markers in a text, one after the other. */
  in(text: string): readonly string[] {
    return text.match(this.#markers) ?? [];
  }

  /** The text cut behind and before every marker: at even places what is between them. */
  cut(text: string): readonly string[] {
    const markers = this.in(text);
    return text.split(this.#markers).flatMap((piece, index) => [piece, ...markers.slice(index, index + 1)]);
  }

  /** True when a value holds what could be a part of a marker. */
  mayBeIn(value: unknown): boolean {
    if (typeof value === 'string') return this.#telling.some((character) => value.includes(character));
    if (Array.isArray(value)) return value.some((part) => this.mayBeIn(part));
    return isFields(value) && Object.entries(value).some((entry) => this.mayBeIn(entry));
  }

  /** A disguise under which nothing in the value is a part of a marker: each telling character becomes one that the value does not have. */
  disguiseFor(value: unknown): Disguise {
    const standIns = findUnused(JSON.stringify(value), this.#telling.length);
    const there = new Map(this.#telling.map((character, index) => [character, standIns[index] ?? character]));
    const back = new Map(Array.from(there, ([character, standIn]) => [standIn, character]));
    return { of: (plain) => swapped(plain, toSwap(there)), off: toSwap(back) };
  }
}

/** What llama.cpp itself takes for a control token, longest first, as it looks for them. */
function findControlTexts(model: LlamaModel): readonly string[] {
  const { tokens, token_type: types } = model.fileInfo.metadata.tokenizer.ggml;
  const isControl = (text: string, id: number): boolean => {
    if (text === '' || !(SET_APART.has(types?.[id] ?? 0) || LOOKS_APART.test(text))) return false;
    const attributes = model.getTokenAttributes(id as Token);
    return attributes.control || attributes.unknown;
  };
  return tokens.filter(isControl).toSorted((one, other) => other.length - one.length);
}

/** As few signs as reach every marker, rare ones rather than brackets. A marker of letters alone tells nobody's role. */
function chooseTelling(texts: readonly string[]): readonly string[] {
  const telling: string[] = [];
  for (let rest = texts; ; ) {
    const signs = new Set(rest.flatMap((text) => text.match(/[^\p{L}\p{N}_\s]/gu) ?? []));
    const reach = (sign: string): number => rest.filter((text) => text.includes(sign)).length;
    const [best] = [...signs].toSorted(
      (one, other) => Number(isCommon(one)) - Number(isCommon(other)) || reach(other) - reach(one),
    );
    if (best === undefined) return telling;
    telling.push(best);
    rest = rest.filter((text) => !text.includes(best));
  }
}

const isCommon = (sign: string): boolean => '<>[](){}/.,:-'.includes(sign);

function findUnused(text: string, count: number): readonly string[] {
  const found: string[] = [];
  for (let code: number = PRIVATE_USE.first; code <= PRIVATE_USE.last && found.length < count; code++) {
    const character = String.fromCharCode(code);
    if (!text.includes(character)) found.push(character);
  }
  if (found.length === count) return found;
  throw new Refusal('The messages hold every character of private use there is: leave one out.', { param: 'messages' });
}

type Swap = (text: string) => string;

function toSwap(pairs: ReadonlyMap<string, string>): Swap {
  const characters = new RegExp([...pairs.keys()].map((character) => RegExp.escape(character)).join('|') || '(?!)', 'g');
  return (text) => text.replace(characters, (character) => pairs.get(character) ?? character);
}

/** The same value with its strings and keys swapped, however deep. */
function swapped<Value>(value: Value, swap: Swap): Value;
function swapped(value: unknown, swap: Swap): unknown {
  if (typeof value === 'string') return swap(value);
  if (Array.isArray(value)) return value.map((part) => swapped(part, swap));
  if (!isFields(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [swap(key), swapped(part, swap)]));
}
