/** The fields that chat and text completions have in common, read into options for answers. */
import { randomInt } from 'node:crypto';
import type { LlamaModel, Token } from 'node-llama-cpp';
import { type Fields, readBoolean, readChoice, readFields, readNumber, wrong } from './fields.ts';
import { Refusal } from './refusal.ts';
import type { Sampling } from './sampling.ts';

/** What an answer's drawing is told, but for its prompt, its length and what differs from choice to choice. */
export interface CommonOptions {
  readonly sampling: Omit<Sampling, 'seed'>;
  /** The seed of the first choice; undefined: any. */
  readonly seed: number | undefined;
  readonly stops: readonly string[];
  readonly ignoreEos: boolean;
  readonly choices: number;
}

const DEFAULT_MAX_TOKENS = 2048;
const MOST_STOPS = 4;
/** llama.cpp takes 32 bits, and reads all ones as "any". */
const SEEDS = 2 ** 32 - 1;
const ANY = Number.MAX_SAFE_INTEGER;

export function readCommonOptions(body: Fields, model: LlamaModel): CommonOptions {
  return {
    sampling: {
      temperature: readNumber(body, 'temperature', { least: 0, most: 2 }) ?? 1,
      topP: readNumber(body, 'top_p', { least: 0, most: 1 }) ?? 1,
      topK: readNumber(body, 'top_k', { least: 0, most: ANY, whole: true }) ?? 0,
      minP: readNumber(body, 'min_p', { least: 0, most: 1 }) ?? 0,
      presencePenalty: readNumber(body, 'presence_penalty', { least: -2, most: 2 }) ?? 0,
      frequencyPenalty: readNumber(body, 'frequency_penalty', { least: -2, most: 2 }) ?? 0,
      repetitionPenalty: readRepetitionPenalty(body),
      logitBias: readLogitBias(body, model),
    },
    seed: readNumber(body, 'seed', { least: -ANY, most: ANY, whole: true }),
    stops: readStops(body),
    ignoreEos: readBoolean(body, 'ignore_eos') ?? false,
    choices: readNumber(body, 'n', { least: 1, most: 128, whole: true }) ?? 1,
  };
}

/** Without a seed every choice gets one of its own: the library would take the clock's second, the same for many rows. */
export const toSeed = (seed: number | undefined, choice: number): number =>
  seed === undefined ? randomInt(SEEDS) : (((seed + choice) % SEEDS) + SEEDS) % SEEDS;

/** How long the answer may get: what is asked for, or as much of it as the context still holds. */
export function fitMaxTokens(body: Fields, prompt: readonly Token[], contextSize: number): number {
  const asked = readMaxTokens(body);
  const behaviour = readChoice(body, 'context_length_exceeded_behavior', ['truncate', 'error']) ?? 'truncate';
  const room = contextSize - prompt.length;
  if (room < 1) throw tooLong(`The prompt has ${prompt.length} tokens`, contextSize);
  if (asked !== undefined && asked > room && behaviour === 'error') {
    throw tooLong(`The prompt has ${prompt.length} tokens and up to ${asked} are asked for the answer`, contextSize);
  }
  return Math.min(asked ?? DEFAULT_MAX_TOKENS, room);
}

function readMaxTokens(body: Fields): number | undefined {
  const bounds = { least: 1, most: ANY, whole: true };
  const [older, newer] = [readNumber(body, 'max_tokens', bounds), readNumber(body, 'max_completion_tokens', bounds)];
  if (older === undefined || newer === undefined || older === newer) return newer ?? older;
  throw new Refusal("'max_tokens' and 'max_completion_tokens' are two names of the same: give one.", { param: 'max_tokens' });
}

const tooLong = (what: string, contextSize: number): Refusal =>
  new Refusal(`${what}, but the context holds ${contextSize}. Shorten the prompt, or serve the model with a larger context.`, {
    param: 'messages',
    code: 'context_length_exceeded',
  });

function readRepetitionPenalty(body: Fields): number {
  const penalty = readNumber(body, 'repetition_penalty', { least: 0, most: 2 }) ?? 1;
  if (penalty === 0) throw wrong('repetition_penalty', 'above 0: 1 means none', penalty);
  return penalty;
}

function readStops(body: Fields): readonly string[] {
  const stop = body['stop'] ?? [];
  const stops: unknown[] = Array.isArray(stop) ? stop : [stop];
  if (stops.length > MOST_STOPS) throw wrong('stop', `at most ${MOST_STOPS} strings`, stop);
  return stops.map((text) => {
    if (typeof text !== 'string' || text === '') throw wrong('stop', 'a string or a list of strings that are not empty', stop);
    return text;
  });
}

function readLogitBias(body: Fields, model: LlamaModel): ReadonlyMap<Token, number> {
  const biases = readFields(body, 'logit_bias') ?? {};
  const vocabulary = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
  return new Map(
    Object.keys(biases).map((id) => {
      const bias = readNumber(biases, id, { least: -100, most: 100 }) ?? 0;
      const token = Number(id);
      if (!Number.isInteger(token) || token < 0 || token >= vocabulary)
        throw wrong('logit_bias', `keyed by token ids below ${vocabulary}`, id);
      if (model.isEogToken(token as Token))
        throw new Refusal(`'logit_bias' can't touch token ${id}, which ends answers. Use 'ignore_eos'.`, { param: 'logit_bias' });
      return [token as Token, bias] as const;
    }),
  );
}
