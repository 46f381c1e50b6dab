import { randomUUID } from 'node:crypto';
import { createMiddleware } from 'hono/factory';
import type { ApiEnv } from './api-context.ts';

const HEADER = 'x-request-id';

/** Gives every request an id, or takes the caller's when it is a harmless word; the reply carries it. */
export const requestId = createMiddleware<ApiEnv>(async (c, next) => {
  const given = c.req.header(HEADER) ?? '';
  const id = /^[\w-]{1,64}$/.test(given) ? given : randomUUID();
  c.set('requestId', id);
  await next();
  c.header(HEADER, id);
});
