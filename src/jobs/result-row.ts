/** What a row ends as: the engine's reply spliced, byte for byte, into one line of an output file. */

import { isUtf8 } from 'node:buffer';
import { STATUS_CODES } from 'node:http';
import type { EngineAnswer } from '../engines/engine.ts';
import { readErrorBody } from '../engines/error-body.ts';
import { CARRIAGE_RETURN, LINE_FEED, OPEN_BRACKET, SPACE } from '../jsonl/ascii.ts';
import { type Span, scanObject } from '../jsonl/scan-object.ts';
import { NO_USAGE, type RowUsage, readUsage } from './row-usage.ts';
import { shorten } from './shorten.ts';

/** A finished row. */
export interface ResultRow extends RowUsage {
  readonly kind: 'success' | 'failure';
  /** The line of the output file, with its line end. */
  readonly line: Buffer;
}

/** A 2xx answer that is no JSON object, or holds no answer: nothing that should be kept, and worth another try. */
export interface BrokenReply {
  readonly kind: 'broken';
  readonly message: string;
}

export interface RowFailure {
  /** An HTTP status. */
  readonly code: number;
  readonly message: string;
  readonly type: string;
}

const MAX_MESSAGE_CHARACTERS = 10_000;
const HEAD = Buffer.from('{"custom_id":');
const RESPONSE = Buffer.from(',"response":');
const TAIL = Buffer.from('}\n');

/** Turns an engine's answer into the row's result. `customId` is the raw JSON string token of the row. */
export function toResult(customId: Buffer, answer: EngineAnswer): ResultRow | BrokenReply {
  if (answer.status < 200 || answer.status >= 300) return refusal(customId, answer.status, answer.body);
  const members = isUtf8(answer.body) ? scanObject(answer.body) : undefined;
  if (members === undefined) return { kind: 'broken', message: toWords(answer, 'that are not a JSON object in UTF-8') };
  if (holdsError(members, answer.body)) return refusal(customId, hiddenStatus(answer.body), answer.body);
  if (!holdsAnswer(members, answer.body)) {
    return { kind: 'broken', message: toWords(answer, 'that hold no list of choices, data or output') };
  }
  return { kind: 'success', line: responseLine(customId, answer.body), ...readUsage(members, answer.body) };
}

/** A failure that no answer describes, or that needs other words. */
export function toFailure(customId: Buffer, { code, message, type }: RowFailure): ResultRow {
  const error = JSON.stringify({ code, message: shorten(message, MAX_MESSAGE_CHARACTERS), type });
  return { kind: 'failure', line: Buffer.concat([HEAD, customId, Buffer.from(`,"error":${error}}\n`)]), ...NO_USAGE };
}

/**
 * What rows that ask the same have in common of an answer: all behind the key, `idBytes` long. Its usage is nothing, as nothing was used for them, so that the
 * usage of all rows adds up to what is billed.
 */
export function toShared({ line }: ResultRow, idBytes: number): Buffer {
  const body = line.subarray(HEAD.length + idBytes + RESPONSE.length, line.length - TAIL.length);
  const usage = scanObject(body)?.get('usage');
  const pieces = usage === undefined ? [body] : [body.subarray(0, usage.start), zerosOf(body, usage), body.subarray(usage.end)];
  const shared = Buffer.concat([RESPONSE, ...pieces, TAIL]);
  // It is kept for long: as a part of one of Node's slabs it would keep eight kilobytes.
  const kept = Buffer.allocUnsafeSlow(shared.length);
  shared.copy(kept);
  return kept;
}

/** The same answer for a row that asked the same. `customId` is its raw JSON string token. */
export const copyResult = (customId: Buffer, shared: Buffer): ResultRow => ({
  kind: 'success',
  line: Buffer.concat([HEAD, customId, shared]),
  ...NO_USAGE,
});

const zerosOf = (body: Buffer, { start, end }: Span): Buffer => {
  const usage: unknown = JSON.parse(body.toString('utf8', start, end));
  return Buffer.from(JSON.stringify(usage, (_, value: unknown) => (typeof value === 'number' ? 0 : value)));
};

function refusal(customId: Buffer, status: number, body: Buffer): ResultRow {
  const error = readErrorBody(body);
  const message = error.message === '' ? `The engine answered ${inWords(status)} without a message.` : error.message;
  return toFailure(customId, { code: status, message, type: error.type ?? typeOf(status) });
}

/** JSON has line ends only between its tokens, where a space means the same. */
function responseLine(customId: Buffer, body: Buffer): Buffer {
  const line = Buffer.concat([HEAD, customId, RESPONSE, body, TAIL]);
  for (const byte of [LINE_FEED, CARRIAGE_RETURN]) {
    for (let at = line.indexOf(byte); at !== -1 && at < line.length - 1; at = line.indexOf(byte, at + 1)) line[at] = SPACE;
  }
  return line;
}

/** Where the answers of the endpoints are: of completions, of embeddings, of responses. */
const LISTS = ['choices', 'data', 'output'] as const;

const holdsAnswer = (members: ReadonlyMap<string, Span>, body: Buffer): boolean =>
  LISTS.some((key) => body[members.get(key)?.start ?? -1] === OPEN_BRACKET);

/** Some gateways say 200 and put an error where the answer should be. */
function holdsError(members: ReadonlyMap<string, Span>, body: Buffer): boolean {
  const error = members.get('error');
  if (error === undefined || LISTS.some((key) => members.has(key))) return false;
  return body[error.start] === 0x7b || body[error.start] === 0x22;
}

function hiddenStatus(body: Buffer): number {
  const status = Number(readErrorBody(body).code);
  return status >= 400 && status < 600 ? status : 502;
}

const toWords = ({ status, body }: EngineAnswer, fault: string): string =>
  `The engine answered ${inWords(status)} with ${body.length} bytes ${fault}: ${JSON.stringify(body.toString('utf8', 0, 200))}`;

const inWords = (status: number): string => `${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();

const typeOf = (status: number): string => (status < 500 ? 'invalid_request_error' : 'server_error');
