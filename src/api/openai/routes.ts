/** Every operation of OpenAI's dialect, and what is said where there is none. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { ApiContext, ApiEnv } from '../api-context.ts';
import { notFound } from '../errors.ts';
import { refuseOtherMethods } from '../other-methods.ts';
import type { Route } from '../route.ts';
import { batchRoutes } from './batches.ts';
import { fileRoutes } from './files.ts';
import { liveRoutes } from './live.ts';
import { usableModelRoutes } from './models.ts';
import { openAiMethodRefused, openAiNotFound } from './openai-errors.ts';
import { OPENAI_PREFIXES } from './openai-route.ts';
import { uploadRoutes } from './uploads.ts';

/** The table. */
export const OPENAI_ROUTES: readonly Route[] = [
  ...fileRoutes,
  ...uploadRoutes,
  ...usableModelRoutes,
  ...batchRoutes,
  ...liveRoutes,
];

/** Adds them all. What begins with `/v1` and is not an account's speaks this dialect, unknown paths too; so this comes last. */
export const addOpenAi = (app: OpenAPIHono<ApiEnv>, context: ApiContext): void => {
  for (const route of OPENAI_ROUTES) route.addTo(app, context);
  refuseOtherMethods(app, OPENAI_ROUTES, openAiMethodRefused);
  app.all('/v1/accounts/*', notFound);
  for (const prefix of OPENAI_PREFIXES) app.all(`${prefix}/*`, openAiNotFound);
};
