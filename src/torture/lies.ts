/** The ways in which an engine fails: what it sends in place of a good answer. */
import { gzipSync } from 'node:zlib';
import type { Body } from './answers.ts';

/** One line each; docs/durability.md says what a row ends as that meets one. */
export const ENGINE_FAULTS = {
  429: 'refuses, and asks to be left alone for a second',
  500: 'fails',
  503: 'says that it is overloaded',
  hang: 'never answers',
  'reset-before': 'resets the connection at once',
  'reset-after': 'resets the connection in place of an answer, when that would be due',
  'cut-body': 'resets the connection in the middle of an answer',
  'stall-body': 'goes silent in the middle of an answer',
  'long-length': 'announces more bytes than it sends, and closes',
  'short-length': 'announces fewer bytes than it sends',
  'two-answers': 'answers one request twice',
  'double-headers': 'sends its headers twice',
  redirect: 'sends elsewhere',
  gzip: 'compresses unasked',
  empty: 'answers 200 with nothing',
  page: 'answers 200 with a page for people',
  'broken-json': 'answers 200 with JSON that ends too early',
  'two-objects': 'answers 200 with two JSON objects in a row',
  array: 'answers 200 with a JSON array',
  'not-utf8': 'answers with bytes that are no UTF-8',
  'hidden-error': 'answers 200 with an error in the body',
  'wrong-shape': 'answers 200 with another JSON object than was asked for',
  'wrong-choices': 'answers with choices that are no list',
  'line-ends': 'breaks the lines inside its JSON',
  'deep-json': 'nests 100,000 arrays in its answer',
  'long-body': 'answers with more than 64 MiB',
  'no-usage': 'does not say what the answer cost',
  'negative-usage': 'says that the answer cost less than nothing',
  'text-usage': 'says what the answer cost in words',
  'absurd-usage': 'says that the answer cost a million billions',
} as const;

/** Its name. */
export type EngineFault = `${keyof typeof ENGINE_FAULTS}`;

/** What leaves: `announced` bytes where that is not the truth, and `after` what follows the last of them. */
export interface Outgoing {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers?: readonly string[];
  readonly body: string | Buffer;
  readonly announced?: number;
  readonly after?: 'reset' | 'close' | 'silence' | 'again';
}

/** What takes the place of the good answer; faults without any are the server's own doing. */
export function lie(fault: EngineFault, reply: Body): Outgoing | undefined {
  const text = JSON.stringify(reply);
  const made = LIES[fault]?.(text, reply);
  return typeof made === 'string' || Buffer.isBuffer(made) ? { status: 200, body: made } : made;
}

type Lie = (text: string, reply: Body) => Outgoing | string | Buffer;

const LONG_BYTES = 65 * 2 ** 20;
const DEPTH = 100_000;

const LIES: Readonly<Partial<Record<string, Lie>>> = {
  '429': () => refusal(429, ['retry-after', '1']),
  '500': () => refusal(500),
  '503': () => refusal(503, ['retry-after', '1']),
  'cut-body': (text) => ({ ...half(text), after: 'reset' }),
  'stall-body': (text) => ({ ...half(text), after: 'silence' }),
  'long-length': (text) => ({ status: 200, body: text, announced: Buffer.byteLength(text) + 1_000, after: 'close' }),
  'short-length': (text) => ({ status: 200, body: text, announced: Buffer.byteLength(text) - 9 }),
  'two-answers': (text) => ({ status: 200, body: text, after: 'again' }),
  'double-headers': (text) => ({
    status: 200,
    body: text,
    headers: ['x-request-id', 'a', 'x-request-id', 'b', 'content-type', 'text/html'],
  }),
  redirect: () => ({ status: 307, body: '', headers: ['location', '/v1/elsewhere'] }),
  gzip: (text) => ({ status: 200, body: gzipSync(text), headers: ['content-encoding', 'gzip'] }),
  empty: () => '',
  page: () => '<!doctype html><title>Welcome</title><p>It works!',
  'broken-json': (text) => text.slice(0, -9),
  'two-objects': (text) => text + text,
  array: (text) => `[${text}]`,
  'not-utf8': (text) => Buffer.from(text.replace('stop', 'st\xff\xfep'), 'latin1'),
  'hidden-error': () => JSON.stringify({ error: { message: 'The model is on holiday.', type: 'server_error', code: 500 } }),
  'wrong-shape': () => '{"hello":["world"]}',
  'wrong-choices': (_, reply) => JSON.stringify({ ...reply, choices: 'none', data: 7 }),
  'line-ends': (_, reply) => JSON.stringify(reply, undefined, '\r\n'),
  'deep-json': (text) => `${text.slice(0, -1)},"deep":${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}}`,
  'long-body': (text) => `${text.slice(0, -1)},"long":"${'x'.repeat(LONG_BYTES)}"}`,
  'no-usage': (_, { usage: __, ...others }) => JSON.stringify(others),
  'negative-usage': (_, reply) => JSON.stringify({ ...reply, usage: toUsage(-7) }),
  'text-usage': (_, reply) => JSON.stringify({ ...reply, usage: toUsage('many') }),
  'absurd-usage': (_, reply) => JSON.stringify({ ...reply, usage: toUsage(1e15) }),
};

const half = (text: string): Outgoing => ({
  status: 200,
  body: text.slice(0, text.length / 2),
  announced: Buffer.byteLength(text),
});

const refusal = (status: number, headers: readonly string[] = []): Outgoing => ({
  status,
  headers,
  body: JSON.stringify({ error: { message: `Scripted ${status}.`, type: 'server_error', code: null } }),
});

const toUsage = (count: unknown) => ({ prompt_tokens: count, completion_tokens: count, total_tokens: count });
