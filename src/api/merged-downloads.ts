/** The other end of a link to the joined results of a chain: made while it is sent, so its size is not known and it can't go on from the middle. */
import { Readable } from 'node:stream';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { openMergedLink } from '../actions/link-download.ts';
import { inBlocks } from '../jsonl/in-blocks.ts';
import type { ApiContext, ApiEnv } from './api-context.ts';
import { fileOf, stampOf } from './link-params.ts';

const PATH = '/v1/merged-downloads/:account_id/:id/:file';

/** Adds the path of merged downloads. */
export const addMergedDownloads = (app: OpenAPIHono<ApiEnv>, context: ApiContext): void => {
  app.get(PATH, async (c) => {
    const target = { allows: 'merged-download' as const, ...fileOf(c) };
    const rows = await openMergedLink(context, target, stampOf(c));
    const headers = {
      'content-type': 'application/jsonl',
      'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(target.file)}`,
      'accept-ranges': 'none',
      'x-content-type-options': 'nosniff',
    };
    if (c.req.method === 'HEAD') return c.body(null, 200, headers);
    // Node's and the DOM's ReadableStream are one class with two type declarations.
    const body = Readable.toWeb(Readable.from(inBlocks(linesOf(rows)), { objectMode: false })) as ReadableStream<Uint8Array>;
    return new Response(body, { headers });
  });
  app.all(PATH, (c) => c.text('Method Not Allowed', 405, { allow: 'GET, HEAD' }));
};

async function* linesOf(rows: AsyncIterable<{ readonly line: Buffer }>): AsyncGenerator<Buffer> {
  for await (const { line } of rows) yield line;
}
