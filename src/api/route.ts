/** A route as data: the document is made from it, and the handler gets what it declares, read and checked. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { z } from 'zod';
import { checkText } from '../actions/check-text.ts';
import type { KeyCaller } from '../actions/context.ts';
import type { Origin } from '../actions/create-once.ts';
import { demand, type Permission } from '../actions/permissions.ts';
import { ErrorBody, KeyErrorBody } from '../contract/errors.ts';
import type { ApiContext, ApiEnv } from './api-context.ts';
import { audited } from './audit.ts';
import { authenticate } from './authenticate.ts';
import { type DocumentedRefusals, toDocument } from './document-route.ts';
import { makeErrorHandler } from './errors.ts';
import { toOperationId } from './operation-id.ts';
import { readJson } from './read-json.ts';
import { readWire } from './read-wire.ts';
import { doOnce, type Once } from './safe-retries.ts';

/** What a handler works with. */
export interface Call<Query, Body> {
  readonly context: ApiContext;
  readonly caller: KeyCaller;
  /** Path parameters by name. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly http: Context<ApiEnv>;
  /** Of a create that is done once, however often it is asked for. */
  readonly origin?: Origin | undefined;
}

/** A route as its room writes it down. */
export interface Definition<Query extends z.ZodType, Body extends z.ZodType, Reply extends z.ZodType> {
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  /** Verbs are written `/@verb` where the URL has `:verb`; `app.ts` says why. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  /** The operation's name in the document; made from method and path when absent. */
  readonly operationId?: string;
  /** What the caller's role must allow; `look` for a GET and `run` for the rest when absent. */
  readonly needs?: Permission;
  /** Whether it changes something, and so is noted in the audit log; when absent, all but GETs do. */
  readonly changes?: boolean;
  /** The account in the path may be another one than the caller's: the handler sees to what it shows. */
  readonly anyAccount?: true;
  readonly query?: Query;
  readonly body?: Body;
  /** A JSON body that the handler reads itself, as bytes: for the document. */
  readonly rawBody?: z.ZodType;
  /** The fields of a multipart/form-data body in place of a JSON one, for the document; the handler reads it. */
  readonly form?: z.ZodType;
  /** A create whose request may come in again, as after a lost connection: it is done once. */
  readonly once?: Once;
  readonly reply: Reply;
  /** What is in the reply when it isn't JSON, for the document; the handler answers a response of its own making. */
  readonly replyType?: string;
  /** Answers the reply, or a response of its own making. */
  readonly handle: (call: Call<z.output<Query>, z.output<Body>>) => Promise<z.input<Reply> | Response>;
}

/** A definition whose handler is sealed in; what the route tables hold. */
export interface Route {
  /** As in the document. */
  readonly path: string;
  /** All the paths that it is served under, as Hono writes them. */
  readonly served: readonly string[];
  readonly method: string;
  addTo(app: OpenAPIHono<ApiEnv>, context: ApiContext): void;
}

/** What the two APIs of this server don't share: where they are, and what their refusals look like. */
export interface Dialect {
  /** What stands before the path of every route; the document shows the first. */
  readonly prefixes: readonly string[];
  readonly onError: typeof makeErrorHandler;
  readonly refusals: DocumentedRefusals;
}

const Nothing = z.undefined();
type Nothing = typeof Nothing;

/** Makes routes of a dialect: each asks for an API key, and for the account in its path, if there is one, to be the key's. */
export const makeRoute =
  ({ prefixes, onError, refusals }: Dialect) =>
  <Reply extends z.ZodType, Query extends z.ZodType = Nothing, Body extends z.ZodType = Nothing>(
    definition: Definition<Query, Body, Reply>,
  ): Route => {
    const path = `${prefixes[0] ?? ''}${definition.path}`;
    const served = prefixes.map((prefix) => toHonoPath(`${prefix}${definition.path}`));
    return {
      path,
      served,
      method: definition.method,
      addTo: (app, context) => {
        const [operationId, needs] = [nameOf(definition), needsOf(definition)];
        app.openAPIRegistry.registerPath(toDocument({ ...definition, path, operationId, needs }, refusals));
        const refuse = onError(context);
        app.on(definition.method, [...served], (http) =>
          answer(definition, context, http).catch((cause: Error) => refuse(cause, http)),
        );
      },
    };
  };

async function answer<Reply extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType>(
  definition: Definition<Query, Body, Reply>,
  context: ApiContext,
  http: Context<ApiEnv>,
): Promise<Response> {
  const caller = await authenticate(context, http.req, definition);
  const needs = needsOf(definition);
  const run = async () => {
    demand(caller, needs);
    const request = await readRequest(definition, http);
    const handle = (origin?: Origin) => definition.handle({ context, caller, http, origin, ...request });
    return definition.once === undefined ? handle() : doOnce({ context, caller, http, once: definition.once }, handle);
  };
  const call = { context, caller, http, operation: nameOf(definition), adminAction: needs === 'administer' };
  const reply = await ((definition.changes ?? definition.method !== 'get') ? audited(call, run) : run());
  return reply instanceof Response ? reply : http.json(reply as object); // Every reply is a JSON object.
}

/** Fireworks' dialect, under the paths that the routes write out. */
const FIREWORKS: Dialect = {
  prefixes: [''],
  onError: makeErrorHandler,
  refusals: {
    403: { description: 'The API key or its account is not the right one', schema: z.union([KeyErrorBody, ErrorBody]) },
    default: { description: 'Refused', schema: ErrorBody },
  },
};

/** Makes a route of Fireworks' dialect. */
export const route = makeRoute(FIREWORKS);

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
    // Undefined only where there is no schema.
    query: (query && readWire(query, req.query())) as z.output<Query>,
    body: (body && readWire(body, await readJson(req))) as z.output<Body>,
  };
}

/** `/a/{b}` as Hono writes it. What begins with @ is a verb: `models/@pull` is no model. */
const toHonoPath = (path: string): string => path.replaceAll(/{(\w+)}/g, ':$1{[^@/][^/]*}');
