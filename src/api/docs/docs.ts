/** `/docs`: the reference as a page. Nothing is fetched from anywhere else, and the browser is told so. */
import { readFileSync } from 'node:fs';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { ApiContext, ApiEnv } from '../api-context.ts';
import { makeDocument } from '../openapi.ts';
import type { Document } from './document.ts';
import { toPage } from './page.ts';

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
};

const ASSETS = { 'style.css': 'text/css', 'filter.js': 'text/javascript' } as const;

const readAsset = (name: keyof typeof ASSETS): string => readFileSync(new URL(name, import.meta.url), 'utf8');

/** Adds the page and the two files it needs. The page is made at its first visit. */
export const addDocs = (app: OpenAPIHono<ApiEnv>, context: ApiContext): void => {
  const made: { page?: string } = {};
  app.get('/docs', (c) => {
    // The document of zod-openapi is typed for every version of OpenAPI; ours is 3.1, made of our own schemas.
    made.page ??= toPage(makeDocument(app, context) as unknown as Document);
    return c.body(made.page, 200, { ...HEADERS, 'content-type': 'text/html; charset=utf-8' });
  });
  for (const [name, type] of Object.entries(ASSETS)) {
    const text = readAsset(name as keyof typeof ASSETS); // The keys of the record above.
    app.get(`/docs/${name}`, (c) => c.body(text, 200, { ...HEADERS, 'content-type': `${type}; charset=utf-8` }));
  }
};
