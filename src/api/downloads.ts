/** The other end of a signed link: the file, or the range of it that is asked for. The link is the permission; no key. */
import { Readable } from 'node:stream';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { type LinkedFile, openLink } from '../actions/link-download.ts';
import type { ByteRange } from '../storage/object-store.ts';
import type { ApiContext, ApiEnv } from './api-context.ts';
import { readRange } from './byte-range.ts';
import { fileOf, stampOf } from './link-params.ts';

const PATH = '/v1/downloads/:account_id/:id/:file';

/** Adds the download path. */
export const addDownloads = (app: OpenAPIHono<ApiEnv>, context: ApiContext): void => {
  app.get(PATH, async (c) => {
    const file = await openLink(context, { allows: 'download', ...fileOf(c) }, stampOf(c));
    const range = isSameFile(c, file) ? readRange(c.req.header('range'), file.bytes) : undefined;
    if (range === 'unsatisfiable') return c.body(null, 416, { 'content-range': `bytes */${file.bytes}` });
    return send(c, context, { file, range });
  });
  app.all(PATH, (c) => c.text('Method Not Allowed', 405, { allow: 'GET, HEAD' }));
};

interface Cut {
  readonly file: LinkedFile;
  readonly range: Required<ByteRange> | undefined;
}

async function send(c: Context<ApiEnv>, { objects }: ApiContext, { file, range }: Cut): Promise<Response> {
  const { start, end } = range ?? { start: 0, end: file.bytes };
  const isWanted = c.req.method !== 'HEAD' && start < end;
  // Node's and the DOM's ReadableStream are one class with two type declarations.
  const body = isWanted
    ? (Readable.toWeb(await objects.get(file.objectKey, { start, end })) as ReadableStream<Uint8Array>)
    : null;
  const headers = {
    'content-type': 'application/jsonl',
    'content-length': String(end - start),
    'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`,
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
