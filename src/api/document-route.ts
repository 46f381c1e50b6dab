/** A route as the document shows it. */
import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import type { Permission } from '../actions/permissions.ts';

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
  readonly form?: z.ZodType | undefined;
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
  const { method, path, tag, summary, operationId, query, needs } = route;
  return createRoute({
    method,
    path,
    tags: [tag],
    summary,
    description: `Takes the permission \`${needs}\`.`,
    operationId,
    security: [{ apiKey: [] }],
    request: { params: toParams(path), ...(query instanceof z.ZodObject && { query }), ...toRequestBody(route) },
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

const toRequestBody = ({ body, form }: DocumentedRoute) => {
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
