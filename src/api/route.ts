/** A route as data: the document is made from it, and the handler gets what it declares, read and checked. */
import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { z } from 'zod';
import type { Caller } from '../actions/context.ts';
import { Problem } from '../base/problem.ts';
import { ErrorBody, KeyErrorBody } from '../contract/errors.ts';
import { parseWire } from '../contract/json.ts';
import type { ApiContext, ApiEnv } from './api-context.ts';
import { authenticate } from './authenticate.ts';
import { readJson } from './read-json.ts';

/** What a handler works with. */
export interface Call<Query, Body> {
  readonly context: ApiContext;
  readonly caller: Caller;
  /** Path parameters by name. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly http: Context<ApiEnv>;
}

interface Definition<Query extends z.ZodType, Body extends z.ZodType, Reply extends z.ZodType> {
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  /** Verbs are written `/@verb` where the URL has `:verb`; `app.ts` says why. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly query?: Query;
  readonly body?: Body;
  /** A multipart part named `file` instead of a JSON body; the handler reads it. */
  readonly takesFile?: true;
  readonly reply: Reply;
  /** Answers the reply, or a response of its own making. */
  readonly handle: (call: Call<z.output<Query>, z.output<Body>>) => Promise<z.input<Reply> | Response>;
}

/** A definition whose handler is sealed in; what the route table holds. */
export interface Route {
  readonly path: string;
  readonly method: string;
  addTo(app: OpenAPIHono<ApiEnv>, context: ApiContext): void;
}

const Nothing = z.undefined();
type Nothing = typeof Nothing;

/** Makes a route that asks for an API key, and for the account in the path to be the key's. */
export const route = <Reply extends z.ZodType, Query extends z.ZodType = Nothing, Body extends z.ZodType = Nothing>(
  definition: Definition<Query, Body, Reply>,
): Route => ({
  method: definition.method,
  path: definition.path,
  addTo: (app, context) => {
    app.openAPIRegistry.registerPath(toDocument(definition));
    app.on(definition.method, toHonoPath(definition.path), async (http) => {
      const caller = await authenticate(context, http.req);
      const query = read(definition.query, http.req.query()) as z.output<Query>; // `read` answers undefined only where there is no schema.
      const body = read(definition.body, definition.body && (await readJson(http.req))) as z.output<Body>;
      const reply = await definition.handle({ context, caller, params: http.req.param(), query, body, http });
      return reply instanceof Response ? reply : http.json(reply as object); // Every reply is a JSON object.
    });
  },
});

/** `/a/{b}` as Hono writes it: `/a/:b`. */
export const toHonoPath = (path: string): string => path.replaceAll(/{(\w+)}/g, ':$1');

const read = (schema: z.ZodType | undefined, value: unknown): unknown => {
  if (schema === undefined) return undefined;
  const parsed = parseWire(schema, value);
  if (parsed.ok) return parsed.value;
  throw new Problem('INVALID_ARGUMENT', parsed.misfit.message, {
    reason: 'INVALID_FIELD',
    details: { field: parsed.misfit.field },
  });
};

const toDocument = ({ method, path, tag, summary, query, body, takesFile, reply }: Definition<z.ZodType, z.ZodType, z.ZodType>) =>
  createRoute({
    method,
    path,
    tags: [tag],
    summary,
    security: [{ apiKey: [] }],
    request: {
      params: z.object(Object.fromEntries(Array.from(path.matchAll(/{(\w+)}/g), ([, name = '']) => [name, z.string()]))),
      ...(query instanceof z.ZodObject && { query }),
      ...(body && { body: { content: { 'application/json': { schema: body } }, required: true } }),
      ...(takesFile && { body: { content: { 'multipart/form-data': { schema: FileBody } }, required: true } }),
    },
    responses: {
      200: { description: 'Done', content: { 'application/json': { schema: reply } } },
      403: {
        description: 'The API key or its account is not the right one',
        content: { 'application/json': { schema: z.union([KeyErrorBody, ErrorBody]) } },
      },
      default: { description: 'Refused', content: { 'application/json': { schema: ErrorBody } } },
    },
  });

const FileBody = z.object({ file: z.string().meta({ format: 'binary', description: 'JSON lines' }) });
