/** `POST /v1/completions`: read, and said. */
import { randomUUID } from 'node:crypto';
import type { LlamaModel, Token } from 'node-llama-cpp';
import { type Call, type Served, toUsage } from './call.ts';
import { type Fields, readBoolean, readNumber, wrong } from './fields.ts';
import type { Answer } from './generate.ts';
import { fitMaxTokens, readCommonOptions, toSeed } from './read-options.ts';
import { checkFields } from './request-fields.ts';
import { withBos } from './template.ts';
import type { TokenLikelihood } from './token-likelihood.ts';

/** Understands a request; throws a `Refusal` that says what is wrong with it. */
export async function readCompletions(body: Fields, served: Served): Promise<Call> {
  checkFields(body, 'completions');
  const { sampling, seed, choices, ...options } = readCommonOptions(body, served.model);
  const topLogprobs = readNumber(body, 'logprobs', { least: 0, most: 20, whole: true });
  const stream = readBoolean(body, 'stream') ?? false;
  const grammar = await served.grammars.of(body);
  const answers = readPrompts(body, served.model).flatMap((prompt) => {
    const maxTokens = fitMaxTokens(body, prompt, served.contextSize);
    return Array.from({ length: choices }, (_, choice) => ({
      ...options,
      prompt,
      maxTokens,
      choices,
      topLogprobs,
      grammar: grammar?.(),
      sampling: { ...sampling, seed: toSeed(seed, choice) },
    }));
  });
  return { answers, stream, ...makeSayings(served, answers) };
}

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

function makeSayings(
  { modelId, fingerprint }: Served,
  options: Call['answers'],
): Pick<Call, 'toReply' | 'toBeginning' | 'toPiece' | 'toEnding'> {
  const head = {
    id: `cmpl-${randomUUID()}`,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model: modelId,
    system_fingerprint: fingerprint,
  };
  const asked = options[0]?.topLogprobs !== undefined;
  const offsets = options.map(() => 0);
  const toLogprobs = (likelihoods: readonly TokenLikelihood[], offset: number) =>
    asked ? toLegacyLogprobs(likelihoods, offset) : null;
  const toChoice = ({ text, likelihoods, finishReason }: Answer, index: number) => ({
    index,
    text,
    logprobs: toLogprobs(likelihoods, 0),
    finish_reason: finishReason,
  });
  return {
    toReply: (answers) => ({ ...head, choices: answers.map(toChoice), usage: toUsage(options, answers) }),
    toBeginning: () => undefined,
    toPiece: ({ index, text, likelihoods }) => {
      const offset = offsets[index] ?? 0;
      offsets[index] = offset + text.length;
      return { ...head, choices: [{ index, text, logprobs: toLogprobs(likelihoods, offset), finish_reason: null }] };
    },
    toEnding: ({ index, finishReason, usage }) => ({
      ...head,
      choices: [{ index, text: '', logprobs: null, finish_reason: finishReason }],
      ...(usage === undefined ? {} : { usage }),
    }),
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
