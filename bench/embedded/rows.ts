/** Rows for random models: words that their vocabulary has, so that a word is a token. */
import { makeRandom, type Random } from '../simulator/random.ts';

export interface Row {
  readonly custom_id: string;
  readonly body: {
    readonly messages: readonly { readonly role: 'system' | 'user'; readonly content: string }[];
    readonly max_tokens: number;
    readonly temperature: number;
    /** Random weights end an answer when they like; every row shall cost the same. */
    readonly ignore_eos: boolean;
  };
}

export interface RowsOptions {
  readonly count: number;
  /** Words that all rows begin with, as a system message. */
  readonly sharedWords?: number;
  /** Words of each row's own. */
  readonly ownWords: number;
  readonly answerTokens: number;
  /** Other seeds are other words: nothing is found in a cache of an earlier round. */
  readonly seed: number;
}

const WORDS =
  'water room eyes mother night day girl dog cat red blue green story name number list city river tree sun moon'.split(' ');

/** Some words, drawn. */
export const drawWords = (random: Random, count: number): string =>
  Array.from({ length: count }, () => WORDS[Math.floor(random() * WORDS.length)]).join(' ');

/** A row that asks this. */
export const toRow = (id: string, messages: Row['body']['messages'], answerTokens: number): Row => ({
  custom_id: id,
  body: { messages, max_tokens: answerTokens, temperature: 0, ignore_eos: true },
});

/** Rows of one size. */
export function makeRows({ count, sharedWords = 0, ownWords, answerTokens, seed }: RowsOptions): readonly Row[] {
  const random = makeRandom(seed);
  const system = sharedWords === 0 ? [] : [{ role: 'system', content: drawWords(random, sharedWords) } as const];
  return Array.from({ length: count }, (_, at) =>
    toRow(`row-${at}`, [...system, { role: 'user', content: drawWords(random, ownWords) }], answerTokens),
  );
}
