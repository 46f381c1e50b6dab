/** The API's description of itself: one document, made from the schemas that every call is checked with. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { ApiContext, ApiEnv } from './api-context.ts';
import { documentPlainOperations } from './plain-operations.ts';

const TAGS = [
  ['Datasets', 'Immutable files of rows: what jobs read and write.'],
  ['Batch inference jobs', "A dataset's rows sent to a model."],
  ['Models', 'What answers prompts: uploaded ones, and what engines serve.'],
  ['Engines', 'Servers that answer prompts, shared by all processes. Admins see them and change them.'],
  ['Accounts', 'Who owns everything else.'],
  ['Users', 'People and programs with a role in an account.'],
  ['API keys', 'What users prove who they are with.'],
  ['Quotas', 'How much an account may have.'],
  ['Billing', 'What was used.'],
  [
    'OpenAI: files',
    "Datasets, and what jobs wrote, as OpenAI's clients see them. All of OpenAI's paths are under `/openai/v1` and `/inference/v1`, too.",
  ],
  ['OpenAI: uploads', 'Large files that come in by parts.'],
  ['OpenAI: batches', "Jobs as OpenAI's clients see them."],
  ['OpenAI: models', 'What a request can name as its model.'],
  ['OpenAI: live inference', 'Requests that somebody waits for: answered before the rows of jobs, and not billed.'],
  ['Webhooks', 'Who is told when jobs end.'],
  ['Audit log', 'Who changed what.'],
  ['Signed links', 'Where files go in and out. The link is the permission: no key is sent along.'],
  ['Server', 'How the server is. Needs no key.'],
] as const;

const DESCRIPTION =
  'Runs a boatload of LLM requests as a job, not as a script: upload a dataset, start a job on a model, download every answer.';

/** The description in the shape of OpenAPI 3.1, with verbs as they are in URLs. */
export const makeDocument = (app: OpenAPIHono<ApiEnv>, { build }: ApiContext) => {
  const { webhooks: _, ...document } = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Boatload',
      version: build.version,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/', description: 'This server' }],
    security: [{ apiKey: [] }],
    tags: TAGS.map(([name, description]) => ({ name, description })),
  });
  const paths = Object.fromEntries(
    Object.entries(document.paths ?? {}).map(([path, routes]) => [path.replace('/@', ':'), routes]),
  );
  return { ...document, paths };
};

/** Adds `/openapi.json`: the document of every route in the table, and of what needs no key. */
export const addOpenApi = (app: OpenAPIHono<ApiEnv>, context: ApiContext): void => {
  app.openAPIRegistry.registerComponent('securitySchemes', 'apiKey', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key: `Authorization: Bearer …`',
  });
  documentPlainOperations(app);
  app.get('/openapi.json', (c) => c.json(makeDocument(app, context)));
};
