/** A route as data: the document is made from it, and the handler gets what it declares, read and checked. */
import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { z } from 'zod';
import { checkText } from '../actions/check-text.ts';
import type { KeyCaller } from '../actions/context.ts';
import { demand, type Permission } from '../actions/permissions.ts';
import { Problem } from '../base/problem.ts';
import { ErrorBody, KeyErrorBody } from '../contract/errors.ts';
import { parseWire } from '../contract/json.ts';
import type { ApiContext, ApiEnv } from './api-context.ts';
import { audited } from './audit.ts';
import { authenticate } from './authenticate.ts';
import { toOperationId } from './operation-id.ts';
import { readJson } from './read-json.ts';

/** What a handler works with. */
export interface Call<Query, Body> {
  readonly context: ApiContext;
  readonly caller: KeyCaller;
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
  /** The operation's name in the document; made from method and path when absent. */
  readonly operationId?: string;
  /** What the caller's role must allow; `look` for a GET and `run` for the rest when absent. */
  readonly needs?: Permission;
  /** A GET that changes something, so that it is noted in the audit log like all that do. */
  readonly changes?: true;
  /** The account in the path may be another one than the caller's: the handler sees to what it shows. */
  readonly anyAccount?: true;
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
      const caller = await authenticate(context, http.req, definition);
      const run = async () => {
        demand(caller, needsOf(definition));
        return definition.handle({ context, caller, http, ...(await readRequest(definition, http)) });
      };
      const changes = definition.changes ?? definition.method !== 'get';
      const adminAction = needsOf(definition) === 'administer';
      const reply = await (changes ? audited({ context, caller, http, operation: nameOf(definition), adminAction }, run) : run());
      return reply instanceof Response ? reply : http.json(reply as object); // Every reply is a JSON object.
    });
  },
});

type Named = Pick<Definition<z.ZodType, z.ZodType, z.ZodType>, 'method' | 'path' | 'operationId' | 'needs'>;

const needsOf = ({ method, needs }: Named): Permission => needs ?? (method === 'get' ? 'look' : 'run');
const nameOf = ({ method, path, operationId }: Named): string => operationId ?? toOperationId(method, path);

async function readRequest<Query extends z.ZodType, Body extends z.ZodType>(
  { query, body }: { readonly query?: Query; readonly body?: Body },
  { req }: Context<ApiEnv>,
) {
  const params = req.param();
  checkText(params);
  return {
    params,
    query: read(query, req.query()) as z.output<Query>, // `read` answers undefined only where there is no schema.
    body: read(body, body && (await readJson(req))) as z.output<Body>,
  };
}

/** `/a/{b}` as Hono writes it: `/a/:b`. */
export const toHonoPath = (path: string): string => path.replaceAll(/{(\w+)}/g, ':$1');

const read = (schema: z.ZodType | undefined, value: unknown): unknown => {
  if (schema === undefined) return undefined;
  checkText(value);
  const parsed = parseWire(schema, value);
  if (parsed.ok) return parsed.value;
  throw new Problem('INVALID_ARGUMENT', parsed.misfit.message, {
    reason: 'INVALID_FIELD',
    details: { field: parsed.misfit.field },
  });
};

const toDocument = (definition: Definition<z.ZodType, z.ZodType, z.ZodType>) => {
  const { method, path, tag, summary, query, body, takesFile, reply } = definition;
  return createRoute({
    method,
    path,
    tags: [tag],
    summary,
    description: `Takes the permission \`${needsOf(definition)}\`.`,
    operationId: nameOf(definition),
    security: [{ apiKey: [] }],
    request: {
      params: z.object(
        Object.fromEntries(
          Array.from(path.matchAll(/{(\w+)}/g), ([, name = '']) => [name, z.string().describe(PARAMETERS[name] ?? 'Its id')]),
        ),
      ),
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
};

/** What the words in paths stand for, where that is more than an id. */
const PARAMETERS: Readonly<Record<string, string>> = {
  account_id: 'The account; `-` and `me` mean the one that the key belongs to',
  user_id: "The user's id; `me` means the one that the key belongs to",
};

const FileBody = z.object({ file: z.string().meta({ format: 'binary', description: 'JSON lines' }) });
