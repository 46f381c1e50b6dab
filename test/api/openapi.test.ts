import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROUTES } from '../../src/api/app.ts';
import { bodyOf, type Document, type Operation, type Schema } from '../../src/api/docs/document.ts';
import { toOperationId } from '../../src/api/operation-id.ts';
import { openDoor } from './door.ts';

let door: Awaited<ReturnType<typeof openDoor>>;
let document: Document & { openapi: string; servers: unknown; components: { securitySchemes: object } };
let page: string;
beforeAll(async () => {
  door = await openDoor();
  document = (await (await door.ask('/openapi.json', { key: null })).json()) as typeof document;
  page = await (await door.ask('/docs', { key: null })).text();
});
afterAll(() => door.close());

const operations = (): readonly (Operation & { method: string; path: string })[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, method, path })),
  );

/** Every object inside a value. */
const objectsIn = function* (value: unknown): Generator<Readonly<Record<string, unknown>>> {
  if (typeof value !== 'object' || value === null) return;
  yield value as Readonly<Record<string, unknown>>;
  for (const inner of Object.values(value)) yield* objectsIn(inner);
};

test('every route is in the document, under the path that clients call', () => {
  const documented = operations().map(({ method, path }) => `${method} ${path}`);
  expect(ROUTES.length).toBeGreaterThan(40);
  expect(
    ROUTES.map(({ method, path }) => `${method} ${path.replace('/@', ':')}`).filter((route) => !documented.includes(route)),
  ).toEqual([]);
});

test('whatever the server answers to is in the document, but for the document and the page', () => {
  const served = door.app.routes
    .filter(({ method, path }) => method !== 'ALL' && !path.startsWith('/docs') && path !== '/openapi.json')
    // A parameter never begins with @: that is a verb.
    .map(({ method, path }) => ({ method, path: path.replaceAll('{[^@/][^/]*}', '') }))
    .map(
      ({ method, path }) =>
        `${method.toLowerCase()} ${path.replace('/@', ':').replaceAll(/:(\w+)(?=\/|:|$)/g, (all, name) => (/_id$|^id$|^file$/.test(name) ? `{${name}}` : all))}`,
    );
  // OpenAI's paths are documented once, under the first of their prefixes.
  const documented = new Set(
    operations().flatMap(({ method, path }) => [path, `/openai${path}`, `/inference${path}`].map((one) => `${method} ${one}`)),
  );
  expect(served.filter((route) => !documented.has(route))).toEqual([]);
});

test('a public validator finds nothing wrong with the document', async () => {
  const validator = new Validator();
  // It changes what it is given.
  expect(await validator.validate(JSON.parse(JSON.stringify(document)))).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
});

test('every operation says what comes back, and what a refusal is', () => {
  for (const { operationId, method, requestBody, responses } of operations()) {
    const { '200': reply, default: refusal } = responses;
    expect([operationId, bodyOf(refusal?.content)?.type]).toEqual([operationId, 'application/json']);
    // The bytes of a file go one way only.
    if (method !== 'put') expect([operationId, bodyOf(reply?.content) !== undefined]).toEqual([operationId, true]);
    if (method === 'put' || method === 'patch') expect([operationId, requestBody !== undefined]).toEqual([operationId, true]);
  }
});

test('the document is OpenAPI 3.1 where it matters', () => {
  expect(document.openapi).toMatch(/^3\.1\.\d+$/);
  expect(document.info).toMatchObject({ title: 'Boatload', version: '0.0.0-test' });
  expect(document.components.securitySchemes).toMatchObject({ apiKey: { type: 'http', scheme: 'bearer' } });
  const ids = operations().map(({ operationId }) => operationId);
  expect(ids.filter((id) => !/^[a-z][A-Za-z]+$/.test(id))).toEqual([]);
  expect(new Set(ids).size).toBe(ids.length);
  const tags = document.tags?.map(({ name }) => name);
  for (const operation of operations()) {
    const { path, parameters = [], responses, summary, tags: own } = operation;
    const inPath = parameters.filter((parameter) => parameter.in === 'path');
    expect(inPath.map(({ name }) => name).toSorted()).toEqual(
      Array.from(path.matchAll(/{(\w+)}/g), ([, name]) => name).toSorted(),
    );
    expect(inPath.every(({ required }) => required)).toBe(true);
    expect(parameters.filter(({ schema, description }) => !schema || !description)).toEqual([]);
    expect(new Set(parameters.map((parameter) => `${parameter.in} ${parameter.name}`)).size).toBe(parameters.length);
    expect(Object.keys(responses)).toContain('200');
    expect(Object.keys(responses)).toContain('default');
    expect(Object.values(responses).filter(({ description }) => !description)).toEqual([]);
    expect(summary.length).toBeGreaterThan(5);
    expect(tags).toContain(own[0]);
    if (operation.method === 'get') expect(operation.requestBody).toBeUndefined();
  }
});

test('every reference leads somewhere, and every shape is used', () => {
  const refs = [...objectsIn(document)].map(({ $ref }) => $ref).filter((ref) => typeof ref === 'string');
  expect(refs.length).toBeGreaterThan(100);
  const schemas = Object.keys(document.components.schemas);
  const named = new Set(refs.map((ref) => ref.replace('#/components/schemas/', '')));
  expect([...named].filter((name) => !schemas.includes(name))).toEqual([]);
  expect(schemas.filter((name) => !named.has(name))).toEqual([]);
});

test('types are ones that JSON Schema has', () => {
  const known = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'];
  const shapes = Object.values(document.components.schemas).flatMap((schema) => [...objectsIn(schema)]) as readonly Schema[];
  const types = shapes.filter(({ type }) => typeof type === 'string' || Array.isArray(type)).flatMap(({ type }) => type ?? []);
  expect(types.length).toBeGreaterThan(200);
  expect(types.filter((type) => !known.includes(type))).toEqual([]);
});

test('every field of every shape is described, but for what says it itself', () => {
  // A single value, or a shape that is described where it stands.
  const isSpeaking = ({ $ref, enum: values, properties, items, anyOf = [], allOf = [] }: Schema): boolean =>
    $ref !== undefined ||
    values?.length === 1 ||
    properties !== undefined ||
    [items, ...anyOf, ...allOf].some((inner) => inner && isSpeaking(inner));
  const fields = Object.entries(document.components.schemas).flatMap(([name, { properties = {} }]) =>
    Object.entries(properties).map(([field, schema]) => ({ field: `${name}.${field}`, schema })),
  );
  expect(fields.length).toBeGreaterThan(300);
  expect(fields.filter(({ schema }) => !schema.description && !isSpeaking(schema)).map(({ field }) => field)).toEqual([]);
});

test.each([
  ['get', '/v1/accounts/{a}/datasets', 'listDatasets'],
  ['get', '/v1/accounts/{a}/datasets/{d}', 'getDataset'],
  ['post', '/v1/accounts/{a}/users/{u}/apiKeys', 'createApiKey'],
  ['post', '/v1/accounts/{a}/users/{u}/apiKeys/@delete', 'deleteApiKey'],
  ['post', '/v1/accounts/{a}/batchInferenceJobs/{j}/@cancel', 'cancelBatchInferenceJob'],
  ['post', '/v1/accounts/{a}/models/{m}/@getUploadEndpoint', 'getModelUploadEndpoint'],
  ['post', '/v1/accounts/{a}/datasets/{d}/@splitDataset', 'splitDataset'],
] as const)('%s %s is called %s', (method, path, id) => {
  expect(toOperationId(method, path)).toBe(id);
});

test('the page shows every operation and every shape, and all its links lead somewhere', () => {
  for (const { operationId, path } of operations()) {
    expect(page).toContain(`<article id="${operationId}">`);
    expect(page).toContain(`<code>${path}</code>`);
  }
  for (const name of Object.keys(document.components.schemas)) expect(page).toContain(`<article id="schema-${name}">`);
  const ids = new Set(Array.from(page.matchAll(/\bid="([^"]+)"/g), ([, id]) => id));
  const anchors = Array.from(page.matchAll(/href="#([^"]+)"/g), ([, anchor]) => anchor);
  expect(anchors.length).toBeGreaterThan(100);
  expect(anchors.filter((anchor) => !ids.has(anchor))).toEqual([]);
});

test('the page asks nobody else for anything, and forbids it', async () => {
  const reply = await door.ask('/docs', { key: null });
  expect(reply.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const policy = reply.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|\*|http/);
  const fetched = Array.from(page.matchAll(/<(?:link|script|img|iframe)\b[^>]*(?:href|src)="([^"]+)"/g), ([, url]) => url);
  expect(fetched).toEqual(['data:,', '/docs/style.css', '/docs/filter.js']);
  expect(page).not.toMatch(/\sstyle="|\son\w+="|<script>|javascript:/);
  for (const [path, type] of [
    ['/docs/style.css', 'text/css'],
    ['/docs/filter.js', 'text/javascript'],
  ] as const) {
    const asset = await door.ask(path, { key: null });
    expect([asset.status, asset.headers.get('content-type')]).toEqual([200, `${type}; charset=utf-8`]);
    expect(await asset.text()).not.toMatch(/https?:\/\/|@import|url\(/);
  }
});

test('what comes from the document is text on the page, never markup', async () => {
  const { toPage } = await import('../../src/api/docs/page.ts');
  const evil = '<img src=x onerror="alert(1)">';
  const nasty = toPage({
    info: { title: evil, version: evil, description: evil },
    tags: [{ name: evil, description: evil }],
    paths: {
      [evil]: { get: { operationId: evil, summary: evil, description: `${evil} \`${evil}\``, tags: [evil], responses: {} } },
    },
    components: { schemas: { [evil]: { description: evil, properties: { [evil]: { type: evil, enum: [evil] } } } } },
  });
  expect(nasty).not.toContain('<img');
  expect(nasty).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;');
});
