/** What is told of a drawn token where log-probabilities are asked. */
import type { LlamaModel, Token } from 'node-llama-cpp';

export interface Likelihood {
  readonly token: string;
  readonly logprob: number;
  /** Null where the token is a part of a character. */
  readonly bytes: readonly number[] | null;
}

export interface TokenLikelihood extends Likelihood {
  readonly top: readonly Likelihood[];
}

/** OpenAI's number for "as good as impossible"; JSON knows no infinity. */
const LEAST = -9999;

/** Makes a likelihood from a probability. `before` are the tokens in front, by which the detokenizer knows where a space belongs. */
export function toLikelihood(
  model: LlamaModel,
  [token, probability]: readonly [Token, number],
  before: readonly Token[],
): Likelihood {
  const text = model.detokenize([token], true, before);
  return {
    token: text,
    logprob: probability > 0 ? Math.log(probability) : LEAST,
    bytes: text.includes('\ufffd') ? null : [...Buffer.from(text)],
  };
}
