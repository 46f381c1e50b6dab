/** A route as the document shows it. */
import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import type { Permission } from '../actions/permissions.ts';
import type { Once } from './safe-retries.ts';

/** What the document says of a route. */
export interface DocumentedRoute {
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly operationId: string;
  readonly needs: Permission;
  readonly query?: z.ZodType | undefined;
  readonly body?: z.ZodType | undefined;
  readonly rawBody?: z.ZodType | undefined;
  readonly form?: z.ZodType | undefined;
  readonly once?: Once | undefined;
  readonly reply: z.ZodType;
  /** What is in the reply when it isn't JSON. */
  readonly replyType?: string | undefined;
}

/** The bodies of refusals: by status, and for all the rest. */
export type DocumentedRefusals = Readonly<
  Record<'default' | `${number}`, { readonly description: string; readonly schema: z.ZodType }>
>;

/** The route as the document's registry takes it. */
export const toDocument = (route: DocumentedRoute, refusals: DocumentedRefusals) => {
  const { method, path, tag, summary, operationId, query, needs, once } = route;
  return createRoute({
    method,
    path,
    tags: [tag],
    summary,
    description: `Takes the permission \`${needs}\`.`,
    operationId,
    security: [{ apiKey: [] }],
    request: {
      params: toParams(path),
      ...(query instanceof z.ZodObject && { query }),
      ...(once && { headers: toRetryHeaders(once) }),
      ...toRequestBody(route),
    },
    responses: {
      200: { description: 'Done', content: { [route.replyType ?? 'application/json']: { schema: route.reply } } },
      ...Object.fromEntries(
        Object.entries(refusals).map(([status, { description, schema }]) => [
          status,
          { description, content: { 'application/json': { schema } } },
        ]),
      ),
    },
  });
};

const toParams = (path: string) =>
  z.object(
    Object.fromEntries(
      Array.from(path.matchAll(/{(\w+)}/g), ([, name = '']) => [name, z.string().describe(PARAMETERS[name] ?? 'Its id')]),
    ),
  );

const toRetryHeaders = ({ hides, identicalMs }: Once) =>
  z.object({
    'idempotency-key': z
      .string()
      .max(255)
      .optional()
      .describe(
        [
          'A word of your own for this request, such as a UUID. The same request with the same word gets the first reply again for 24 hours, with the header `idempotent-replayed: true`; another request with it is refused.',
          hides === undefined ? [] : `The reply that is given again has no \`${hides}\`: that is not kept.`,
          identicalMs === undefined
            ? []
            : `Without it, the same request again within ${identicalMs / 1000} s is met in the same way.`,
        ]
          .flat()
          .join(' '),
      ),
  });

const toRequestBody = ({ rawBody, body = rawBody, form }: DocumentedRoute) => {
  const content = {
    ...(body && { 'application/json': { schema: body } }),
    ...(form && { 'multipart/form-data': { schema: form } }),
  };
  return body === undefined && form === undefined ? {} : { body: { content, required: true } };
};

/** What the words in paths stand for, where that is more than an id. */
const PARAMETERS: Readonly<Record<string, string>> = {
  account_id: 'The account; `-` and `me` mean the one that the key belongs to',
  user_id: "The user's id; `me` means the one that the key belongs to",
};
