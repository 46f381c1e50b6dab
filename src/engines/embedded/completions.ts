/** `POST /v1/completions`: read, and said. */
import type { LlamaModel, Token } from 'node-llama-cpp';
import type { Dialect, Speech } from './dialect.ts';
import { type Fields, readBoolean, readNumber, wrong } from './fields.ts';
import { readResponseFormat } from './response-format.ts';
import { type LogprobsTeller, makeLogprobsTeller } from './tell-logprobs.ts';
import { withBos } from './template.ts';

/** Texts, answered with how they may go on. */
export const completions: Dialect = {
  kind: 'completions',
  idPrefix: 'cmpl',
  object: 'text_completion',
  chunkObject: 'text_completion',
  read: (body, { model }) => {
    const topLogprobs = readNumber(body, 'logprobs', { least: 0, most: 20, whole: true });
    return {
      prompts: readPrompts(body, model),
      grammar: readResponseFormat(body),
      stops: [],
      topLogprobs,
      speak: () => speak(makeLogprobsTeller(topLogprobs === undefined ? 'none' : 'legacy')),
    };
  },
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

const speak = (toLogprobs: LogprobsTeller): Speech => ({
  toWhole: ({ text, likelihoods, finishReason }, index) => ({
    text,
    logprobs: toLogprobs(index, likelihoods, text),
    finish_reason: finishReason,
  }),
  toPiece: ({ index, text, likelihoods }) => ({ text, logprobs: toLogprobs(index, likelihoods, text) }),
  toEnding: (_, reason) => ({ text: '', logprobs: null, finish_reason: reason }),
});
