/** What is served without an API key, as the document shows it: the other end of signed links, and how the server is. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { ErrorBody } from '../contract/errors.ts';
import type { ApiEnv } from './api-context.ts';

interface PlainOperation {
  readonly method: 'get' | 'put';
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly tag: 'Signed links' | 'Server';
  /** What is in the reply: JSON of this shape, or bytes of this type. */
  readonly reply: z.ZodObject | string;
  /** A file is sent. */
  readonly takesFile?: true;
}

const Health = z.object({ status: z.literal('ok') }).meta({ id: 'Health', description: 'The process lives' });
const Readiness = z
  .object({
    status: z.enum(['ok', 'not ready']).describe('`ok` when the database and the storage are: engines may come later'),
    checks: z
      .object({ database: z.string(), storage: z.string(), engines: z.string() })
      .describe('`ok`, or what is wrong, of each part'),
  })
  .meta({ id: 'Readiness', description: 'Which parts answer' });
const Version = z
  .object({ version: z.string().describe('Of Boatload'), node: z.string().describe('Of the Node that it runs on') })
  .meta({ id: 'Version', description: 'What runs' });

const OPERATIONS: readonly PlainOperation[] = [
  { method: 'get', path: '/healthz', operationId: 'getHealth', summary: 'Does the process live?', tag: 'Server', reply: Health },
  {
    method: 'get',
    path: '/readyz',
    operationId: 'getReadiness',
    summary: 'Do its parts answer?',
    tag: 'Server',
    reply: Readiness,
  },
  { method: 'get', path: '/version', operationId: 'getVersion', summary: 'What is it?', tag: 'Server', reply: Version },
  ...links({ folder: 'uploads', operationId: 'putDatasetFile', summary: 'Put a file of a dataset' }),
  ...links({ folder: 'downloads', operationId: 'downloadDatasetFile', summary: 'Get a file of a dataset, or a range of it' }),
  ...links({
    folder: 'merged-downloads',
    operationId: 'downloadMergedResults',
    summary: 'Get the results of a whole chain of jobs',
  }),
  ...links({ folder: 'model-uploads', operationId: 'putModelFile', summary: 'Put a file of a model' }),
  ...links({ folder: 'model-downloads', operationId: 'downloadModelFile', summary: 'Get a file of a model, or a range of it' }),
];

function links({ folder, ...rest }: { folder: string; operationId: string; summary: string }): readonly PlainOperation[] {
  const path = `/v1/${folder}/{account_id}/{id}/{file}`;
  const isUpload = folder.endsWith('uploads');
  const bytes = { reply: isUpload ? '' : 'application/octet-stream', ...(isUpload && { takesFile: true as const }) };
  return [{ method: isUpload ? 'put' : 'get', path, tag: 'Signed links', ...rest, ...bytes }];
}

const LinkQuery = z.object({
  expires: z.string().meta({ type: 'integer', description: 'Part of the link' }),
  signature: z.string().describe('Part of the link'),
  size: z.string().optional().meta({ type: 'integer', description: 'Part of a link to upload to' }),
});

const Bytes = z.string().meta({ format: 'binary' });

/** Adds them to the document. */
export const documentPlainOperations = ({ openAPIRegistry: registry }: OpenAPIHono<ApiEnv>): void => {
  for (const { method, path, operationId, summary, tag, reply, takesFile } of OPERATIONS) {
    const names = Array.from(path.matchAll(/{(\w+)}/g), ([, name = '']) => name);
    registry.registerPath({
      method,
      path,
      operationId,
      summary,
      tags: [tag],
      security: [],
      request: {
        params: z.object(Object.fromEntries(names.map((name) => [name, z.string().describe('Part of the link')]))),
        ...(tag === 'Signed links' && { query: LinkQuery }),
        ...(takesFile && { body: { content: { 'application/octet-stream': { schema: Bytes } }, required: true } }),
      },
      responses: {
        200: { description: 'Done', ...toContent(reply) },
        default: { description: 'Refused', content: { 'application/json': { schema: ErrorBody } } },
      },
    });
  }
};

const toContent = (reply: PlainOperation['reply']) => {
  if (reply === '') return {};
  return typeof reply === 'string'
    ? { content: { [reply]: { schema: Bytes } } }
    : { content: { 'application/json': { schema: reply } } };
};
