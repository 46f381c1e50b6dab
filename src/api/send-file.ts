/** A file as an answer: whole, or the range of it that is asked for. */
import { pipeline, Readable } from 'node:stream';
import { createGzip, constants as zlib } from 'node:zlib';
import type { Context } from 'hono';
import type { LinkedFile } from '../actions/link-download.ts';
import type { ByteRange } from '../storage/object-store.ts';
import type { ApiEnv } from './api-context.ts';
import { readRange } from './byte-range.ts';

/** What is sent, and as what. */
export interface Sending {
  readonly file: Pick<LinkedFile, 'name' | 'bytes' | 'sha256'>;
  readonly contentType: string;
  readonly read: (range: Required<ByteRange>) => Promise<Readable>;
  /** Whole files may be compressed for clients who say that they take that. */
  readonly compresses?: boolean;
}

/** Answers GET and HEAD, ranges and continued downloads. */
export async function sendFile(c: Context<ApiEnv>, sending: Sending): Promise<Response> {
  const { file } = sending;
  const range = isSameFile(c, file) ? readRange(c.req.header('range'), file.bytes) : undefined;
  if (range === 'unsatisfiable') return c.body(null, 416, { 'content-range': `bytes */${file.bytes}` });
  return send(c, sending, range);
}

async function send(c: Context<ApiEnv>, sending: Sending, range: Required<ByteRange> | undefined): Promise<Response> {
  const { file, contentType, read, compresses = false } = sending;
  const { start, end } = range ?? { start: 0, end: file.bytes };
  const isZipped = compresses && range === undefined && takesGzip(c);
  const isWanted = c.req.method !== 'HEAD' && start < end;
  const headers = {
    'content-type': contentType,
    'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(file.name.split('/').at(-1) ?? '')}`,
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff',
    ...(compresses && { vary: 'accept-encoding' }),
    // Compressed bytes are not the file's: neither its size nor, for who goes on with a range, its tag is theirs.
    ...(isZipped
      ? { 'content-encoding': 'gzip', etag: `W/${etagOf(file)}` }
      : { 'content-length': String(end - start), etag: etagOf(file) }),
    ...(range && { 'content-range': `bytes ${start}-${end - 1}/${file.bytes}` }),
  };
  const source = isWanted ? await read({ start, end }) : undefined;
  const body = source && toBody(isZipped ? zipped(source) : source);
  return new Response(body ?? null, { status: range === undefined ? 200 : 206, headers });
}

/** Node's and the DOM's ReadableStream are one class with two type declarations. */
const toBody = (source: Readable) => Readable.toWeb(source) as ReadableStream<Uint8Array>;

/** Rows of JSON shrink to a fraction at the lowest level already. */
const zipped = (source: Readable): Readable =>
  pipeline(source, createGzip({ level: zlib.Z_BEST_SPEED }), () => {
    // Whichever of the two breaks takes the other with it; who reads sees it.
  });

const takesGzip = (c: Context): boolean => {
  const offer = (c.req.header('accept-encoding') ?? '').split(',').find((coding) => /^\s*(x-)?gzip\s*(;|$)/i.test(coding));
  return offer !== undefined && !/;\s*q=0(\.0*)?\s*$/i.test(offer);
};

/** A download that goes on says what it has begun with; another file by the same name is sent from its beginning. */
const isSameFile = (c: Context, file: Sending['file']): boolean => [undefined, etagOf(file)].includes(c.req.header('if-range'));

const etagOf = ({ sha256 }: Sending['file']): string => `"${sha256}"`;
