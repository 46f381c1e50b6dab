/** How likelihoods are said: nothing, a list of tokens, or the older form with one list for every fact. */
import type { TokenLikelihood } from './token-likelihood.ts';

export type LogprobsForm = 'none' | 'tokens' | 'legacy';

/** Says the likelihoods of the next piece of a choice's text. */
export type LogprobsTeller = (index: number, likelihoods: readonly TokenLikelihood[], text: string) => object | null;

/** Begins with every choice at the start of its text. */
export function makeLogprobsTeller(form: LogprobsForm): LogprobsTeller {
  if (form === 'none') return () => null;
  if (form === 'tokens') return (_, likelihoods) => ({ content: likelihoods.map(toLogprob) });
  const offsets = new Map<number, number>();
  return (index, likelihoods, text) => {
    const offset = offsets.get(index) ?? 0;
    offsets.set(index, offset + text.length);
    return toLegacyLogprobs(likelihoods, offset);
  };
}

const toLogprob = ({ top, ...likelihood }: TokenLikelihood) => ({ ...likelihood, top_logprobs: top });

function toLegacyLogprobs(likelihoods: readonly TokenLikelihood[], offset: number): object {
  const lengths = likelihoods.map(({ token }) => token.length);
  return {
    tokens: likelihoods.map(({ token }) => token),
    token_logprobs: likelihoods.map(({ logprob }) => logprob),
    top_logprobs: likelihoods.map(({ top }) => Object.fromEntries(top.map(({ token, logprob }) => [token, logprob]))),
    text_offset: lengths.map((_, index) => lengths.slice(0, index).reduce((sum, length) => sum + length, offset)),
  };
}
