/** How answer tokens are drawn, in our words and in the library's. */
import { type LlamaModel, type SequenceEvaluateOptions, type Token, TokenBias } from 'node-llama-cpp';
import type { Shape } from './draw.ts';

export interface Sampling extends Shape {
  readonly seed: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  /** 1: none. */
  readonly repetitionPenalty: number;
  readonly logitBias: ReadonlyMap<Token, number>;
}

/** The library's defaults cut to 40 tokens and 0.95 of the probability: everything is said here. */
export const toShapeOptions = ({ temperature, topP, topK, minP }: Shape): SequenceEvaluateOptions => ({
  temperature,
  topP,
  topK,
  minP,
});

/** Everything but the shape. `drawn` grows while the answer does. */
export function toSteeringOptions(
  model: LlamaModel,
  sampling: Sampling,
  drawn: Token[],
  prompt: readonly Token[],
): SequenceEvaluateOptions {
  const { seed, logitBias } = sampling;
  return {
    seed,
    ...(logitBias.size === 0 ? {} : { tokenBias: toTokenBias(model, logitBias) }),
    ...(isPenalised(sampling) ? { repeatPenalty: toRepeatPenalty(sampling, drawn, prompt) } : {}),
  };
}

const isPenalised = ({ presencePenalty, frequencyPenalty, repetitionPenalty }: Sampling): boolean =>
  presencePenalty !== 0 || frequencyPenalty !== 0 || repetitionPenalty !== 1;

/** As elsewhere, repetition looks at prompt and answer, presence and frequency at the answer; there is one list, so together they look at the answer. */
function toRepeatPenalty(
  { presencePenalty, frequencyPenalty, repetitionPenalty }: Sampling,
  drawn: Token[],
  prompt: readonly Token[],
) {
  const withPrompt = presencePenalty === 0 && frequencyPenalty === 0;
  return {
    punishTokens: () => (withPrompt ? [...prompt, ...drawn] : drawn),
    maxPunishTokens: MOST_PUNISHED,
    penalty: repetitionPenalty,
    presencePenalty,
    frequencyPenalty,
  };
}

/** The library's ring of punished tokens has one size for a whole answer: 64 by default, which forgets. */
const MOST_PUNISHED = 32_768;

/** -100 means never, as OpenAI says. */
function toTokenBias(model: LlamaModel, logitBias: ReadonlyMap<Token, number>): TokenBias {
  const bias = TokenBias.for(model);
  for (const [token, logit] of logitBias) bias.set(token, logit <= -100 ? 'never' : { logit });
  return bias;
}
