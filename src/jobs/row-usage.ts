import type { Span } from '../jsonl/scan-object.ts';

/** Tokens of one row, as its engine counted them. */
export interface RowUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** The part of the input tokens that came from a prefix cache. */
  readonly cachedTokens: number;
}

export const NO_USAGE: RowUsage = { inputTokens: 0, outputTokens: 0, cachedTokens: 0 };

/** Reads `usage` of a reply, in the words of chat completions or of responses. What is missing or can't be true counts as 0. */
export function readUsage(members: ReadonlyMap<string, Span>, reply: Buffer): RowUsage {
  const span = members.get('usage');
  if (span === undefined) return NO_USAGE;
  const usage = toFields(JSON.parse(reply.toString('utf8', span.start, span.end)));
  const details = toFields(usage['prompt_tokens_details'] ?? usage['input_tokens_details']);
  const inputTokens = toCount(usage['prompt_tokens'] ?? usage['input_tokens']);
  return {
    inputTokens,
    outputTokens: toCount(usage['completion_tokens'] ?? usage['output_tokens']),
    cachedTokens: Math.min(inputTokens, toCount(details['cached_tokens'])),
  };
}

const toFields = (value: unknown): Readonly<Record<string, unknown>> =>
  // Whatever has no such fields answers undefined for them, which counts as 0.
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** More than any model can work for one request: whoever says so is not believed at all. Fits into a part's 32 bits. */
const MOST_TOKENS = 100_000_000;

const toCount = (value: unknown): number =>
  typeof value === 'number' && value > 0 && value <= MOST_TOKENS ? Math.round(value) : 0;
