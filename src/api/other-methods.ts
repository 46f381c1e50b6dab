import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { ApiEnv } from './api-context.ts';
import type { Route } from './route.ts';

/** Answers for paths that exist, asked with a method that doesn't. Comes after the routes themselves. */
export const refuseOtherMethods = (
  app: OpenAPIHono<ApiEnv>,
  routes: readonly Route[],
  refuse: (c: Context<ApiEnv>, allow: string) => Response,
): void => {
  const asked = routes.flatMap(({ served, method }) => served.map((path) => ({ path, method: method.toUpperCase() })));
  for (const [path, ofPath] of Map.groupBy(asked, (one) => one.path)) {
    const allow = ofPath.map(({ method }) => method).join(', ');
    app.all(path, (c) => refuse(c, allow));
  }
};
