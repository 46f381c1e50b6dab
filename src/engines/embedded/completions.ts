/** `POST /v1/completions`: read, and said. */
import type { LlamaModel, Token } from 'node-llama-cpp';
import type { Call, Served } from './call.ts';
import type { Dialect, Speech } from './dialect.ts';
import { type Fields, readBoolean, readNumber, wrong } from './fields.ts';
import { withBos } from './template.ts';
import type { TokenLikelihood } from './token-likelihood.ts';

/** Texts, answered with how they may go on. */
export const completions: Dialect = {
  kind: 'completions',
  idPrefix: 'cmpl',
  object: 'text_completion',
  chunkObject: 'text_completion',
  readTopLogprobs: (body) => readNumber(body, 'logprobs', { least: 0, most: 20, whole: true }),
  readPrompts: (body, { model }) => readPrompts(body, model),
  speak,
};

/** A text, a list of texts, token ids, or a list of lists of them. */
function readPrompts(body: Fields, model: LlamaModel): readonly (readonly Token[])[] {
  const { prompt } = body;
  const several = Array.isArray(prompt) && prompt.length > 0 && (typeof prompt[0] === 'string' || Array.isArray(prompt[0]));
  const prompts: unknown[] = several ? prompt : [prompt];
  const plain = readBoolean(body, 'safe_tokenization') ?? false;
  return prompts.map((one) => {
    const tokens = typeof one === 'string' ? withBos(model, model.tokenize(one, !plain)) : readTokens(one, model);
    if (tokens.length === 0) throw wrong('prompt', 'not empty', one);
    return tokens;
  });
}

function readTokens(prompt: unknown, model: LlamaModel): Token[] {
  const vocabulary = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
  const isToken = (id: unknown): id is Token => typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < vocabulary;
  if (Array.isArray(prompt) && prompt.every(isToken)) return prompt;
  throw wrong('prompt', `a string or a list of token ids below ${vocabulary}`, prompt);
}

function speak(_: Served, answers: Call['answers']): Speech {
  const asked = answers[0]?.topLogprobs !== undefined;
  const offsets = answers.map(() => 0);
  const toLogprobs = (likelihoods: readonly TokenLikelihood[], offset: number) =>
    asked ? toLegacyLogprobs(likelihoods, offset) : null;
  return {
    toWhole: ({ text, likelihoods }) => ({ text, logprobs: toLogprobs(likelihoods, 0) }),
    toPiece: ({ index, text, likelihoods }) => {
      const offset = offsets[index] ?? 0;
      offsets[index] = offset + text.length;
      return { text, logprobs: toLogprobs(likelihoods, offset) };
    },
    toEnding: () => ({ text: '', logprobs: null }),
  };
}

/** The older form: one list for every fact. */
function toLegacyLogprobs(likelihoods: readonly TokenLikelihood[], offset: number) {
  const lengths = likelihoods.map(({ token }) => token.length);
  return {
    tokens: likelihoods.map(({ token }) => token),
    token_logprobs: likelihoods.map(({ logprob }) => logprob),
    top_logprobs: likelihoods.map(({ top }) => Object.fromEntries(top.map(({ token, logprob }) => [token, logprob]))),
    text_offset: lengths.map((_, index) => lengths.slice(0, index).reduce((sum, length) => sum + length, offset)),
  };
}
