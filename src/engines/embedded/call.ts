/** A request that was understood, and how its answers are said in the dialect in which it was asked. */
import type { LlamaModel } from 'node-llama-cpp';
import type { Answer, AnswerOptions, FinishReason } from './generate.ts';
import type { Grammars } from './grammars.ts';
import type { ChatTemplate } from './template.ts';
import type { TokenLikelihood } from './token-likelihood.ts';

/** What requests are read against. */
export interface Served {
  readonly modelId: string;
  readonly model: LlamaModel;
  readonly template: ChatTemplate | undefined;
  readonly grammars: Grammars;
  readonly contextSize: number;
  /** Says which weights and which engine answered. */
  readonly fingerprint: string;
}

/** More of a choice's text. */
export interface Piece {
  readonly index: number;
  readonly text: string;
  readonly likelihoods: readonly TokenLikelihood[];
}

interface Ending {
  readonly index: number;
  readonly finishReason: FinishReason;
  /** With the last choice that ends. */
  readonly usage: Usage | undefined;
}

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
  readonly completion_tokens_details?: { readonly reasoning_tokens: number };
}

export interface Call {
  /** One for every choice. */
  readonly answers: readonly AnswerOptions[];
  readonly stream: boolean;
  toReply(answers: readonly Answer[]): object;
  toUsage(answers: readonly Answer[]): Usage;
  /** What a choice begins with in a stream, if anything. */
  toBeginning(index: number): object | undefined;
  toPiece(piece: Piece): object;
  toEnding(ending: Ending): object;
}

/** What is billed: every prompt once, however many answers it got. */
export function toUsage(
  options: readonly AnswerOptions[],
  answers: readonly Answer[],
  countReasoning?: (answer: Answer) => number,
): Usage {
  // One of the answers to a prompt evaluated it, and its siblings took it over from there: the least that was cached is the truth.
  const cached = new Map<AnswerOptions['prompt'], number>();
  for (const [index, { prompt }] of options.entries()) {
    cached.set(prompt, Math.min(cached.get(prompt) ?? prompt.length, answers[index]?.cachedTokens ?? 0));
  }
  const promptTokens = sum([...cached.keys()].map(({ length }) => length));
  const completionTokens = sum(answers.map((answer) => answer.completionTokens));
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: sum([...cached.values()]) },
    ...(countReasoning && { completion_tokens_details: { reasoning_tokens: sum(answers.map(countReasoning)) } }),
  };
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
