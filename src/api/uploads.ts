/** The other end of an upload link. The link is the permission; no key. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import { openUpload } from '../actions/receive-file.ts';
import { answerPut } from './answer-put.ts';
import type { ApiContext, ApiEnv } from './api-context.ts';
import { fileOf, stampOf } from './link-params.ts';

const PATH = '/v1/uploads/:account_id/:id/:file';

/** Adds the upload path. */
export const addUploads = (app: OpenAPIHono<ApiEnv>, context: ApiContext): void => {
  app.put(PATH, async (c) => {
    const target = { allows: 'upload' as const, ...fileOf(c), bytes: Number(c.req.query('size')) };
    const lengthRange = c.req.header('x-goog-content-length-range');
    return answerPut(c, openUpload(context, { target, stamp: stampOf(c), lengthRange }));
  });
  app.all(PATH, (c) => c.text('Method Not Allowed', 405, { allow: 'PUT' }));
};
