/** What text may be besides a string, where no chat is: a list of strings, token ids, or a list of lists of them. */
import type { LlamaModel, Token } from 'node-llama-cpp';
import { type Fields, wrong } from './fields.ts';

interface Reading {
  readonly model: LlamaModel;
  readonly tokenize: (text: string) => readonly Token[];
}

/** The tokens of every text in a field, none of which is empty. */
export function readTokenLists(body: Fields, name: string, { model, tokenize }: Reading): readonly (readonly Token[])[] {
  const value = body[name];
  const several = Array.isArray(value) && value.length > 0 && (typeof value[0] === 'string' || Array.isArray(value[0]));
  const texts: unknown[] = several ? value : [value];
  return texts.map((text) => {
    const tokens = typeof text === 'string' ? tokenize(text) : readTokens(text, name, model);
    if (tokens.length === 0) throw wrong(name, 'not empty', text);
    return tokens;
  });
}

function readTokens(value: unknown, name: string, model: LlamaModel): readonly Token[] {
  const vocabulary = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
  const isToken = (id: unknown): id is Token => typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < vocabulary;
  if (Array.isArray(value) && value.every(isToken)) return value;
  throw wrong(name, `a string or a list of token ids below ${vocabulary}`, value);
}
