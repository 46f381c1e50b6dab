/** The other end of an upload link. The link is the permission; no key. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import { receiveFile } from '../actions/receive-file.ts';
import type { ApiContext, ApiEnv } from './api-context.ts';
import { fileOf, stampOf } from './link-params.ts';

const PATH = '/v1/uploads/:account_id/:id/:file';

/** Adds the upload path. */
export const addUploads = (app: OpenAPIHono<ApiEnv>, context: ApiContext): void => {
  app.put(PATH, async (c) => {
    const length = c.req.header('content-length');
    await receiveFile(context, {
      target: { allows: 'upload', ...fileOf(c), bytes: Number(c.req.query('size')) },
      stamp: stampOf(c),
      declared: {
        bytes: length === undefined ? undefined : Number(length),
        range: c.req.header('x-goog-content-length-range'),
      },
      body: c.req.raw.body ?? NOTHING,
    });
    return c.body(null, 200);
  });
  app.all(PATH, (c) => c.text('Method Not Allowed', 405, { allow: 'PUT' }));
};

const NOTHING: AsyncIterable<Uint8Array> = {
  async *[Symbol.asyncIterator]() {
    // A request without a body.
  },
};
