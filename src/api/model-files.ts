/** The other end of the links to a model's files. The link is the permission; no key. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { openModelLink } from '../actions/link-model-download.ts';
import { openModelUpload } from '../actions/receive-model-file.ts';
import type { ByteRange } from '../storage/object-store.ts';
import { answerPut } from './answer-put.ts';
import type { ApiContext, ApiEnv } from './api-context.ts';
import { fileOf, stampOf } from './link-params.ts';
import { sendFile } from './send-file.ts';

const UPLOADS = '/v1/model-uploads/:account_id/:id/:file';
const DOWNLOADS = '/v1/model-downloads/:account_id/:id/:file';

const targetOf = (c: Context) => ({ ...fileOf(c), collection: 'models' as const });

/** Adds the paths for uploads and downloads. */
export const addModelFiles = (app: OpenAPIHono<ApiEnv>, context: ApiContext): void => {
  app.put(UPLOADS, async (c) => {
    const target = { ...targetOf(c), allows: 'upload' as const, bytes: Number(c.req.query('size')) };
    return answerPut(c, openModelUpload(context, { target, stamp: stampOf(c) }));
  });
  app.all(UPLOADS, (c) => c.text('Method Not Allowed', 405, { allow: 'PUT' }));
  app.get(DOWNLOADS, async (c) => {
    const file = await openModelLink(context, { ...targetOf(c), allows: 'download' }, stampOf(c));
    const read = (range: ByteRange) => context.objects.get(file.objectKey, range);
    return sendFile(c, { file, contentType: 'application/octet-stream', read });
  });
  app.all(DOWNLOADS, (c) => c.text('Method Not Allowed', 405, { allow: 'GET, HEAD' }));
};
