/** The HTTP door. The route table comes first: read it before anything else. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { getPath } from 'hono/utils/url';
import { accountRoutes } from './accounts.ts';
import type { ApiContext, ApiEnv } from './api-context.ts';
import { apiKeyRoutes } from './api-keys.ts';
import { auditLogRoutes } from './audit-logs.ts';
import { jobRoutes } from './batch-inference-jobs.ts';
import { billingRoutes } from './billing.ts';
import { datasetRoutes } from './datasets.ts';
import { deployedModelRoutes } from './deployed-models.ts';
import { addDocs } from './docs/docs.ts';
import { addDownloads } from './downloads.ts';
import { engineRoutes } from './engines.ts';
import { makeErrorHandler, notFound } from './errors.ts';
import { addHealth, toGround } from './health.ts';
import { addMergedDownloads } from './merged-downloads.ts';
import { addModelFiles } from './model-files.ts';
import { modelRoutes } from './models.ts';
import { addOpenAi } from './openai/routes.ts';
import { addOpenApi } from './openapi.ts';
import { refuseOtherMethods } from './other-methods.ts';
import { quotaRoutes } from './quotas.ts';
import { requestId } from './request-id.ts';
import { addUploads } from './uploads.ts';
import { userRoutes } from './users.ts';
import { webhookRoutes } from './webhooks.ts';
import { addWorkerCalls } from './worker-calls.ts';

/** Every operation of Fireworks' dialect that takes a key; those of OpenAI's are in `openai/routes.ts`. */
export const ROUTES = [
  ...[datasetRoutes, jobRoutes, modelRoutes, deployedModelRoutes, engineRoutes].flat(),
  ...[accountRoutes, userRoutes, apiKeyRoutes, quotaRoutes, billingRoutes, auditLogRoutes, webhookRoutes].flat(),
];

/** Makes the app: every route of the table, behind one error handler. */
export function makeApp(context: ApiContext): OpenAPIHono<ApiEnv> {
  const app = new OpenAPIHono<ApiEnv>({ getPath: (request) => splitVerb(getPath(request)) });
  app.onError(makeErrorHandler(context));
  app.notFound(notFound);
  app.use(requestId);
  addHealth(app, { ...context, ground: toGround(context.store) });
  addOpenApi(app, context);
  addDocs(app, context);
  addDownloads(app, context);
  addMergedDownloads(app, context);
  addUploads(app, context);
  addModelFiles(app, context);
  for (const route of ROUTES) route.addTo(app, context);
  refuseOtherMethods(app, ROUTES, (c, allow) => c.text('Method Not Allowed', 405, { allow }));
  addOpenAi(app, context);
  addWorkerCalls(app, context);
  return app;
}

/**
 * `…/datasets/in:upload` is routed as `…/datasets/in/@upload`: the router reads `/:id:upload` as one parameter, which would swallow every other verb.
 * The document writes the verbs back as they are.
 */
const splitVerb = (path: string): string => path.replace(/:([A-Za-z]+)$/, '/@$1');
