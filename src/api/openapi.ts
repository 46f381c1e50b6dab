import type { OpenAPIHono } from '@hono/zod-openapi';
import type { ApiContext, ApiEnv } from './api-context.ts';

/** `/openapi.json`: the document of every route in the table. */
export const addOpenApi = (app: OpenAPIHono<ApiEnv>, { build }: ApiContext): void => {
  app.openAPIRegistry.registerComponent('securitySchemes', 'apiKey', { type: 'http', scheme: 'bearer' });
  app.get('/openapi.json', (c) => {
    const document = app.getOpenAPI31Document({
      openapi: '3.1.0',
      info: {
        title: 'Boatload',
        version: build.version,
        description: 'Runs a boatload of LLM requests as a job, not as a script.',
      },
    });
    const paths = Object.fromEntries(
      Object.entries(document.paths ?? {}).map(([path, routes]) => [path.replace('/@', ':'), routes]),
    );
    return c.json({ ...document, paths });
  });
};
