/** `POST /v1/completions`: read, and said. */
import type { LlamaModel, Token } from 'node-llama-cpp';
import type { Dialect, Speech } from './dialect.ts';
import { type Fields, readBoolean, readNumber } from './fields.ts';
import { readTokenLists } from './read-token-lists.ts';
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

function readPrompts(body: Fields, model: LlamaModel): readonly (readonly Token[])[] {
  const plain = readBoolean(body, 'safe_tokenization') ?? false;
  return readTokenLists(body, 'prompt', { model, tokenize: (text) => withBos(model, model.tokenize(text, !plain)) });
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
