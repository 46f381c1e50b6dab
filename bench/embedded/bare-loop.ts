/** An engine's own HTTP, asked by a bare loop: no file, nothing kept. */
import { Agent, request } from 'undici';
import type { Row } from './rows.ts';

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly prompt_tokens_details?: { readonly cached_tokens: number };
}

/** Tokens of several answers together. */
export interface Tokens {
  readonly prompt: number;
  readonly cached: number;
  readonly completion: number;
}

export interface Asking {
  readonly baseUrl: string;
  readonly inFlight: number;
}

const NONE: Tokens = { prompt: 0, cached: 0, completion: 0 };
const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 });

/** Adds an answer's usage. */
export const addUsage = (tokens: Tokens, usage: Usage): Tokens => ({
  prompt: tokens.prompt + usage.prompt_tokens,
  cached: tokens.cached + (usage.prompt_tokens_details?.cached_tokens ?? 0),
  completion: tokens.completion + usage.completion_tokens,
});

/** The usage of several answers together. */
export const addUsages = (usages: readonly Usage[]): Tokens => usages.reduce(addUsage, NONE);

/** Asks all rows in their order, so many at a time. */
export async function askAll({ baseUrl, inFlight }: Asking, rows: readonly Row[]): Promise<Tokens> {
  const usages: Usage[] = [];
  const left = rows.values();
  const worker = async (): Promise<void> => {
    for (const { body } of left) usages.push(await ask(baseUrl, body));
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, rows.length) }, worker));
  return addUsages(usages);
}

async function ask(baseUrl: string, body: Row['body']): Promise<Usage> {
  const { statusCode, body: reply } = await request(`${baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    dispatcher,
  });
  const text = await reply.text();
  if (statusCode !== 200) throw new Error(`The engine answered ${statusCode}: ${text}`);
  return JSON.parse(text).usage;
}
