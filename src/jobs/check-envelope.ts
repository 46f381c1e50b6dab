/** Checks what stands around a row's body: where the row goes, and that there is a body at all. */

import type { JsonKind } from '../jsonl/json-cursor.ts';
import type { Span } from '../jsonl/scan-object.ts';
import { tokenSays } from '../jsonl/string-token.ts';
import type { RowFault } from './bad-line.ts';
import { withArticle } from './kind-words.ts';
import { ROW_PATHS } from './row-format.ts';
import { shorten } from './shorten.ts';

export interface Value extends Span {
  readonly kind: JsonKind;
}

/** The members of a row beside its id, where they are. */
export interface Envelope {
  bodyValue?: Value;
  method?: Value;
  url?: Value;
}

/** `endpoint` is the path that every row of the job must name, when it has one; such rows need all that OpenAI's have. */
export function checkEnvelope(row: Envelope, line: Buffer, endpoint: string | undefined): RowFault | undefined {
  return checkUrl(row, line) ?? (endpoint === undefined ? undefined : checkEndpoint(row, line, endpoint)) ?? checkPresence(row);
}

function checkUrl({ method, url }: Envelope, line: Buffer): RowFault | undefined {
  if (url === undefined) return undefined;
  if (!ROW_PATHS.some((path) => isText(url, line, path))) return invalidUrl(url, line);
  return method === undefined || isText(method, line, 'POST') ? undefined : invalidMethod(method, line);
}

function checkEndpoint({ method, url }: Envelope, line: Buffer, endpoint: string): RowFault | undefined {
  if (url === undefined)
    return missing('url', `Give every row the job's endpoint as its url: "url": ${JSON.stringify(endpoint)}.`);
  if (method === undefined) return missing('method', 'Give every row "method": "POST".');
  if (isText(url, line, endpoint)) return undefined;
  return {
    at: url.start,
    reason: 'URL_MISMATCH',
    message: `url is ${shown(url, line)}, the endpoint of the job is "${endpoint}"`,
    remedy: 'Put rows for different endpoints into different files, and start a job for each.',
  };
}

const missing = (name: 'url' | 'method', remedy: string): RowFault => ({
  reason: `MISSING_${name.toUpperCase()}`,
  message: `the row has no ${name}`,
  remedy,
});

function checkPresence({ bodyValue }: Envelope): RowFault | undefined {
  if (bodyValue === undefined) return { reason: 'MISSING_BODY', message: 'the row has no body', remedy: BODY_REMEDY };
  if (bodyValue.kind === 'object') return undefined;
  const message = `body must be an object, it is ${withArticle(bodyValue.kind)}`;
  return { at: bodyValue.start, reason: 'INVALID_BODY', message, remedy: BODY_REMEDY };
}

const BODY_REMEDY = 'Put the request into "body": {"messages": …}.';

const isText = ({ start, end, kind }: Value, line: Buffer, text: string): boolean =>
  kind === 'string' && tokenSays(line.subarray(start, end), text);

const invalidUrl = (url: Value, line: Buffer): RowFault => ({
  at: url.start,
  reason: 'INVALID_URL',
  message: `url is ${shown(url, line)}`,
  remedy: `Set url to ${ROW_PATHS.slice(0, -1).join(', ')} or ${ROW_PATHS.at(-1)}.`,
});

const invalidMethod = (method: Value, line: Buffer): RowFault => ({
  at: method.start,
  reason: 'INVALID_METHOD',
  message: `method is ${shown(method, line)}`,
  remedy: 'Set method to "POST", or leave it out.',
});

const LONGEST_SHOWN = 100;

const shown = ({ start, end }: Span, line: Buffer): string => shorten(line.toString('utf8', start, end), LONGEST_SHOWN);
