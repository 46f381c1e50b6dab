/** A file as an answer: whole, or the range of it that is asked for. */
import { Readable } from 'node:stream';
import type { Context } from 'hono';
import type { LinkedFile } from '../actions/link-download.ts';
import type { ByteRange, ObjectStore } from '../storage/object-store.ts';
import type { ApiEnv } from './api-context.ts';
import { readRange } from './byte-range.ts';

/** What is sent, and as what. */
export interface Sending {
  readonly objects: ObjectStore;
  readonly file: LinkedFile;
  readonly contentType: string;
}

/** Answers GET and HEAD, ranges and continued downloads. */
export async function sendFile(c: Context<ApiEnv>, sending: Sending): Promise<Response> {
  const { file } = sending;
  const range = isSameFile(c, file) ? readRange(c.req.header('range'), file.bytes) : undefined;
  if (range === 'unsatisfiable') return c.body(null, 416, { 'content-range': `bytes */${file.bytes}` });
  return send(c, sending, range);
}

async function send(
  c: Context<ApiEnv>,
  { objects, file, contentType }: Sending,
  range: Required<ByteRange> | undefined,
): Promise<Response> {
  const { start, end } = range ?? { start: 0, end: file.bytes };
  const isWanted = c.req.method !== 'HEAD' && start < end;
  // Node's and the DOM's ReadableStream are one class with two type declarations.
  const body = isWanted
    ? (Readable.toWeb(await objects.get(file.objectKey, { start, end })) as ReadableStream<Uint8Array>)
    : null;
  const headers = {
    'content-type': contentType,
    'content-length': String(end - start),
    'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(file.name.split('/').at(-1) ?? '')}`,
    'accept-ranges': 'bytes',
    etag: etagOf(file),
    'x-content-type-options': 'nosniff',
    ...(range && { 'content-range': `bytes ${start}-${end - 1}/${file.bytes}` }),
  };
  return new Response(body, { status: range === undefined ? 200 : 206, headers });
}

/** A download that goes on says what it has begun with; another file by the same name is sent from its beginning. */
const isSameFile = (c: Context, file: LinkedFile): boolean => [undefined, etagOf(file)].includes(c.req.header('if-range'));

const etagOf = ({ sha256 }: LinkedFile): string => `"${sha256}"`;
