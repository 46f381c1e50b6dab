/** How long a request's prompts are, by the model's own template and tokenizer, before anything is evaluated. */
import type { PromptCount } from '../engine.ts';
import type { Served } from './call.ts';
import type { Dialect } from './dialect.ts';
import type { Fields } from './fields.ts';
import { fitMaxTokens } from './read-options.ts';
import { Refusal } from './refusal.ts';

/** In front of what is counted: `/v1/chat/completions` is counted at `/v1/prompt-tokens/chat/completions`. */
const COUNTING = '/v1/prompt-tokens/';

/** Where a request of this path is counted. */
export const toCountingPath = (path: string): string => path.replace(/^\/v1\//, COUNTING);

/** The path of the request that is counted here; undefined for every other place. */
export const countedPath = (path: string): string | undefined =>
  path.startsWith(COUNTING) ? path.replace(COUNTING, '/v1/') : undefined;

/** Throws the `Refusal` that an answer would, but for the length. */
export function countPrompt(body: Fields, served: Served, dialect: Dialect): PromptCount {
  const { contextSize } = served;
  const { prompts } = dialect.read(body, served);
  return {
    tokens: prompts.reduce((most, { length }) => Math.max(most, length), 0),
    contextLength: contextSize,
    fits: prompts.every((prompt) => hasRoom(() => fitMaxTokens(body, prompt, contextSize))),
  };
}

function hasRoom(ask: () => number): boolean {
  try {
    return ask() > 0;
  } catch (error) {
    if (error instanceof Refusal && error.code === 'context_length_exceeded') return false;
    throw error;
  }
}
