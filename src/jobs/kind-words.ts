import type { JsonKind } from '../jsonl/json-cursor.ts';

const WORDS: Readonly<Record<JsonKind, string>> = {
  object: 'an object',
  array: 'an array',
  string: 'a string',
  number: 'a number',
  boolean: 'a boolean',
  null: 'null',
  nothing: 'missing',
};

/** `a string`, `an array`, `null`: to end the sentence "… must be an object, it is …". */
export const withArticle = (kind: JsonKind): string => WORDS[kind];
