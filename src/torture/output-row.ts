/** A line of an output file, read as somebody reads it who knows only what the documentation says. */
import { type Body, digestOf } from './answers.ts';

/** The two APIs that a job can be made and read through. */
export type Dialect = 'fireworks' | 'openai';

/** What a line says of its row. */
export type OutputRow =
  | { readonly kind: 'answer'; readonly customId: string; readonly digest: string; readonly usage: Tokens }
  | { readonly kind: 'failure' | 'unfinished'; readonly customId: string };

export interface Tokens {
  readonly input: number;
  readonly output: number;
}

/** Undefined for a line that is none of the dialect's. */
export function readOutputRow(line: string, dialect: Dialect): OutputRow | undefined {
  const row = parse(line);
  const customId = row?.['custom_id'];
  if (row === undefined || typeof customId !== 'string') return undefined;
  return dialect === 'openai' ? readOpenaiRow(line, row, customId) : readFireworksRow(line, row, customId);
}

function readFireworksRow(line: string, row: Body, customId: string): OutputRow | undefined {
  const { response, error } = row;
  if (Object.keys(row).length !== 2) return undefined;
  if (isBody(error)) return isStatus(error['code']) ? { kind: 'failure', customId } : undefined;
  return isBody(response) ? toAnswer(customId, response, between(line, ',"response":', '}')) : undefined;
}

function readOpenaiRow(line: string, { id, response, error }: Body, customId: string): OutputRow | undefined {
  if (!/^batch_req_[0-9a-f]{24}$/.test(String(id))) return undefined;
  if (response === null)
    return isBody(error) && UNFINISHED.test(String(error['code'])) ? { kind: 'unfinished', customId } : undefined;
  if (!isBody(response) || error !== null) return undefined;
  const { status_code: status, body } = response;
  if (!isBody(body)) return undefined;
  if (status === 200) return toAnswer(customId, body, between(line, ',"body":', '},"error":null}'));
  return isStatus(status) && isBody(body['error']) ? { kind: 'failure', customId } : undefined;
}

const UNFINISHED = /^batch_(?:expired|cancelled|failed)$/;

const toAnswer = (customId: string, body: Body, text: string): OutputRow => ({
  kind: 'answer',
  customId,
  digest: digestOf(text),
  usage: readTokens(body['usage']),
});

/** The engine's own bytes. Neither mark can stand inside a JSON string before them, where quotes are escaped. */
const between = (line: string, start: string, end: string): string =>
  line.slice(line.indexOf(start) + start.length, line.length - end.length);

/** A count that is no number, or that no model could have worked for one request, says nothing. */
const MOST_TOKENS = 100_000_000;

function readTokens(usage: unknown): Tokens {
  if (!isBody(usage)) return { input: 0, output: 0 };
  return {
    input: toCount(usage['prompt_tokens'] ?? usage['input_tokens']),
    output: toCount(usage['completion_tokens'] ?? usage['output_tokens']),
  };
}

const toCount = (value: unknown): number =>
  typeof value === 'number' && value > 0 && value <= MOST_TOKENS ? Math.round(value) : 0;

const isStatus = (value: unknown): boolean => typeof value === 'number' && value >= 300 && value < 600;

const isBody = (value: unknown): value is Body => typeof value === 'object' && value !== null && !Array.isArray(value);

function parse(line: string): Body | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isBody(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
