/** The other end of a signed link. The link is the permission; no key. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import { openLink } from '../actions/link-download.ts';
import type { ByteRange } from '../storage/object-store.ts';
import type { ApiContext, ApiEnv } from './api-context.ts';
import { fileOf, stampOf } from './link-params.ts';
import { sendFile } from './send-file.ts';

const PATH = '/v1/downloads/:account_id/:id/:file';

/** Adds the download path. */
export const addDownloads = (app: OpenAPIHono<ApiEnv>, context: ApiContext): void => {
  app.get(PATH, async (c) => {
    const file = await openLink(context, { allows: 'download', ...fileOf(c) }, stampOf(c));
    const read = (range: ByteRange) => context.objects.get(file.objectKey, range);
    return sendFile(c, { file, contentType: 'application/jsonl', read });
  });
  app.all(PATH, (c) => c.text('Method Not Allowed', 405, { allow: 'GET, HEAD' }));
};
