/** Whatever is sent, to whatever operation: a reply with the right envelope, never a fault of ours, never silence. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { serve } from '@hono/node-server';
import fc from 'fast-check';
import type { HonoRequest } from 'hono';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { issueKey } from '../../src/actions/issue-key.ts';
import { ROUTES } from '../../src/api/app.ts';
import type { Document, Schema } from '../../src/api/docs/document.ts';
import { OPENAI_ROUTES } from '../../src/api/openai/routes.ts';
import { readJson } from '../../src/api/read-json.ts';
import { openDoor } from './door.ts';

let door: Awaited<ReturnType<typeof openDoor>>;
let document: Document;
beforeAll(async () => {
  door = await openDoor();
  await door.makeDataset('in');
  await door.askJson('/v1/accounts/acme/batchInferenceJobs?batchInferenceJobId=job', {
    body: { model: 'tickets', inputDatasetId: 'in' },
  });
  await door.askJson('/v1/accounts/acme/models', { body: { modelId: 'model', model: { kind: 'CUSTOM_MODEL' } } });
  document = (await (await door.ask('/openapi.json')).json()) as Document;
});
afterAll(() => door.close());

const SLOWEST_MS = 5_000;

/** Things that break programs. */
const NASTY = [
  ...[
    '',
    '\0',
    'a\0b',
    '\ud800',
    '\udfff\ud800',
    '__proto__',
    'constructor',
    'toString',
    '-',
    '..',
    '%',
    "' or 1=1 --",
    '"',
    '\\u0000',
  ],
  ...[
    '1e999',
    '9'.repeat(400),
    'x'.repeat(5_000),
    '🚣',
    'ﬃ',
    '2026-13-45T99:99:99Z',
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59+14:00',
  ],
  ...[
    '{"a":"\\u0000"}',
    '{"\\ud800":1}',
    '[]',
    '{}',
    'null',
    '{"a":{"b":[1e999]}}',
    'accounts/acme/models/model',
    'accounts/bob/datasets/x',
  ],
];
const nastyText = fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'binary', maxLength: 80 }));
/** What something may be called that is there. */
const NAMES = [
  'tickets',
  'in',
  'job',
  'model',
  'accounts/acme/datasets/in',
  'accounts/acme/batchInferenceJobs/job',
  'a',
  'b2',
  'x@example.com',
];
const plausibleText = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...NAMES) }, { weight: 1, arbitrary: nastyText });
const nastyNumber = fc.oneof(
  fc.constantFrom(0, -0, -1, 1e308, 2 ** 31, 2 ** 53, 2 ** 63, -(2 ** 63), 0.1),
  fc.double({ noNaN: true }),
);
const nastyScalar = fc.oneof(nastyText, nastyNumber, fc.boolean(), fc.constant(null));
const anyJson = fc.oneof(nastyScalar, fc.jsonValue({ maxDepth: 4 }), fc.dictionary(nastyText, nastyScalar, { maxKeys: 5 }));

const FORMATS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  int64: fc.oneof(fc.constantFrom('0', '1', '9223372036854775807', '9007199254740993', '-1'), fc.nat().map(String)),
  'date-time': fc.constantFrom(
    '2026-01-05T02:00:00Z',
    '1970-01-01T00:00:00Z',
    '9999-12-31T23:59:59.999999999Z',
    '1969-12-31T23:59:59Z',
  ),
  duration: fc.constantFrom('86400s', '24h', '0s', '999999999999h', '1.5s'),
  int32: fc.constantFrom(0, 1, 200, 2147483647, -2147483648),
};

/** Values that nearly fit a schema: what random bytes never reach. */
const fitting = (schema: Schema, depth = 0): fc.Arbitrary<unknown> => {
  if (depth > 6) return fc.constant({});
  const inner = (other: Schema) => fitting(other, depth + 1);
  if (schema.$ref) return inner(document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {});
  const choices = schema.anyOf ?? schema.allOf;
  if (choices) return fc.oneof(...choices.map(inner));
  if (schema.items) return fc.array(inner(schema.items), { maxLength: 3 });
  if (schema.properties) return fittingFields(schema, inner);
  if (typeof schema.additionalProperties === 'object')
    return fc.dictionary(nastyText, slip(inner(schema.additionalProperties)), { maxKeys: 3 });
  return fittingScalar(schema);
};

const fittingFields = ({ properties = {}, required = [] }: Schema, inner: (field: Schema) => fc.Arbitrary<unknown>) => {
  const fields = Object.entries(properties).filter(([, field]) => !field.readOnly);
  return someFields(Object.fromEntries(fields.map(([name, field]) => [name, slip(inner(field))])), required);
};

/** What is required, and a few of the rest: with all of them, one is always wrong. */
const someFields = (fields: Readonly<Record<string, fc.Arbitrary<unknown>>>, required: readonly string[]) => {
  const rest = Object.keys(fields).filter((name) => !required.includes(name));
  const chosen = fc.subarray(rest, { maxLength: Math.min(2, rest.length) });
  return chosen.chain((others) => fc.record(pick(fields, [...required, ...others])));
};

const pick = <Value>(fields: Readonly<Record<string, Value>>, names: readonly string[]): Record<string, Value> =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)));

const fittingScalar = ({ enum: values, type, format = '' }: Schema): fc.Arbitrary<unknown> => {
  if (values) return fc.constantFrom(...values);
  if (FORMATS[format]) return FORMATS[format];
  if (type === 'boolean') return fc.boolean();
  if (type === 'integer' || type === 'number') return nastyNumber;
  return type === 'string' ? plausibleText : anyJson;
};

/** Now and then something else altogether. */
const slip = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 29, arbitrary: value }, { weight: 1, arbitrary: anyJson });

const pathWords = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('in', 'job', 'model', 'admin', '-', 'batch-jobs-active', 'none') },
  { weight: 1, arbitrary: nastyText },
);
const encode = (text: string) => encodeURIComponent(text.toWellFormed()) || '%20';

interface Sent {
  readonly account: string;
  readonly words: readonly string[];
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

const sentTo = (route: (typeof ROUTES)[number]): fc.Arbitrary<Sent> => {
  const operation = document.paths[route.path.replace('/@', ':')]?.[route.method];
  const parameters = operation?.parameters?.filter((parameter) => parameter.in === 'query') ?? [];
  const schema = operation?.requestBody?.content['application/json']?.schema;
  const fields = parameters.map(
    ({ name, schema: of = {} }) =>
      [name, fc.oneof({ weight: 4, arbitrary: fitting(of) }, { weight: 1, arbitrary: nastyText })] as const,
  );
  return fc.record({
    account: fc.constantFrom('acme', 'acme', 'acme', 'acme', '-', '-', 'boatload', 'bob'),
    words: fc.array(pathWords, { minLength: 2, maxLength: 2 }),
    query: someFields(
      Object.fromEntries(fields),
      parameters.filter(({ required }) => required).map(({ name }) => name),
    ),
    body: schema ? fc.oneof({ weight: 3, arbitrary: fitting(schema) }, { weight: 1, arbitrary: anyJson }) : anyJson,
  });
};

const send = async (route: (typeof ROUTES)[number], { account, words, query, body }: Sent, key: string): Promise<Response> => {
  const rest = [...words];
  const path = route.path
    .replace('{account_id}', account)
    .replaceAll(/{\w+}/g, () => encode(rest.shift() ?? 'x'))
    .replace('/@', ':');
  const search = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value).toWellFormed()]),
  );
  const asked = { key, method: route.method.toUpperCase(), ...(route.method !== 'get' && { body: JSON.stringify(body) }) };
  return inTime(door.ask(`${path}?${search}`, asked), `${asked.method} ${path}?${search}`);
};

const inTime = async <T>(reply: Promise<T>, what: string): Promise<T> => {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no reply to ${what}`)), SLOWEST_MS);
  return Promise.race([reply, late.promise]).finally(() => clearTimeout(timer));
};

const expectGoodReply = async (reply: Response, envelope: object): Promise<void> => {
  const text = await reply.text();
  if (reply.status === 405) return expect(text).toBe('Method Not Allowed');
  // Results are lines of JSON, or none.
  const isRows = reply.headers.get('content-type')?.startsWith('application/jsonl');
  const body = isRows ? text : JSON.parse(text);
  if (reply.status < 400) return expect(reply.status).toBe(200);
  expect([reply.status === 501 ? 501 : Math.floor(reply.status / 100), body]).toEqual([reply.status === 501 ? 501 : 4, envelope]);
};

/** What was answered, over all operations. */
const statuses: number[] = [];

const ENVELOPE = {
  code: expect.any(Number),
  message: expect.stringMatching(/./),
  details: [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: expect.stringMatching(/^[A-Z][A-Z_]+$/),
      domain: 'boatload',
      metadata: expect.any(Object),
    },
  ],
};

/** That of OpenAI's dialect. */
const OPENAI_ENVELOPE = {
  error: {
    message: expect.stringMatching(/./),
    type: expect.stringMatching(/^(invalid_request|permission|rate_limit)_error$/),
    param: expect.toSatisfy((param) => param === null || typeof param === 'string'),
    code: expect.stringMatching(/^[a-z][a-z_]+$/),
  },
};

test.each([
  ['NUL in a body', '{"datasetId":"a\\u0000"}', 'INVALID_TEXT'],
  ['NUL in a key', '{"a\\u0000":1}', 'INVALID_TEXT'],
  ['half of a surrogate pair', '{"datasetId":"\\ud800"}', 'INVALID_TEXT'],
  ['arrays in arrays', `${'['.repeat(5_000)}${']'.repeat(5_000)}`, 'NESTED_TOO_DEEP'],
  ['objects in objects', `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`, 'NESTED_TOO_DEEP'],
  ['half a megabyte of brackets', '['.repeat(500_000), 'INVALID_JSON'],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'INVALID_JSON'],
])('%s is refused', async (_, body, reason) => {
  const reply = await inTime(
    Promise.resolve(
      door.app.request('/v1/accounts/acme/datasets', {
        method: 'POST',
        headers: { authorization: `Bearer ${door.keys.acme}` },
        body,
      }),
    ),
    'a body',
  );
  expect([reply.status, await reply.json()]).toMatchObject([400, { code: 3, details: [{ reason }] }]);
});

test.each(['{"a":"\\u0000"}', '{"a":"\\ud800"}', `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`])(
  'text in text is looked at too: extraBody %.20s',
  async (extraBody) => {
    const reply = await door.askJson('/v1/accounts/acme/batchInferenceJobs', {
      body: { model: 'tickets', inputDatasetId: 'in', inferenceParameters: { extraBody } },
    });
    expect(reply.status).toBe(400);
  },
);

test('a body that does not end is answered, one that breaks off is no fault of ours', async () => {
  const endless = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('{')) });
  const broken = new ReadableStream({ start: (controller) => controller.error(new Error('connection lost')) });
  const read = (body: ReadableStream) =>
    // Only the raw request is read.
    readJson({ raw: new Request('http://x', { method: 'POST', body, duplex: 'half' }) } as HonoRequest, { bytes: 10, ms: 50 });
  await expect(read(endless)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', reason: 'BODY_TOO_SLOW' });
  await expect(read(broken)).rejects.toMatchObject({ code: 'CANCELLED', reason: 'BODY_BROKEN_OFF' });
});

test('headers and paths beyond all measure are refused by a listening server, which goes on', async () => {
  const server = serve({ fetch: door.app.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const say = async (head: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1');
    const heard: Buffer[] = [];
    const closed = Promise.withResolvers<void>();
    socket
      .on('data', (bytes) => heard.push(bytes))
      .on('error', () => {})
      .on('close', () => closed.resolve());
    socket.write(`${head}\r\nHost: x\r\nConnection: close\r\n\r\n`);
    await inTime(closed.promise, 'a request by hand');
    return Buffer.concat(heard).toString().slice(0, 12);
  };
  expect(await say(`GET /healthz HTTP/1.1\r\nx-long: ${'x'.repeat(20_000)}`)).toBe('HTTP/1.1 431');
  expect(await say(`GET /${'x'.repeat(20_000)} HTTP/1.1`)).toBe('HTTP/1.1 431');
  expect(await say('GET /%ff%fe HTTP/1.1')).toBe('HTTP/1.1 404');
  expect(await say('GET /v1/accounts/%E0%A4%A HTTP/1.1')).toMatch(/^HTTP\/1\.1 4/);
  expect(await say('NONSENSE')).toBe('HTTP/1.1 400');
  expect(await say('GET /healthz HTTP/1.1')).toBe('HTTP/1.1 200');
  server.close();
});

const isList = (path: string) =>
  path === '/v1/accounts' || /\/(datasets|batchInferenceJobs|models|users|apiKeys|quotas|auditLogs|webhooks)$/.test(path);

test.each(ROUTES.filter(({ path, method }) => method === 'get' && isList(path)).map(({ path }) => path))(
  '%s bears every comparison of every field',
  async (path) => {
    const url = path.replace('{account_id}', 'acme').replace('{user_id}', '-');
    const ask = (query: string, filter: string) => door.askJson(`${url}?${query}=${encodeURIComponent(filter)}`);
    const [, names = ''] = /there are (.*?)\. It begins/.exec((await ask('filter', 'nope = 1')).body.message) ?? [];
    expect(names).not.toBe('');
    const before = door.logged.length;
    for (const name of names.split(', ')) {
      expect((await ask('orderBy', `${name} desc`)).status).toBe(200);
      for (const operator of ['=', '!=', '<', '>=', ':'])
        for (const value of ['*', 'x', '1', 'true', 'READY', '"2026-01-05T02:00:00Z"', '"a*b%_"', '9999999999999999999']) {
          const { status } = await ask('filter', `${name} ${operator} ${value}`);
          expect([name, operator, value, status === 200 || status === 400]).toEqual([name, operator, value, true]);
        }
    }
    expect(door.logged.slice(before)).toEqual([]);
  },
);

test.each([...ROUTES, ...OPENAI_ROUTES].map((route) => [`${route.method} ${route.path.replace('/@', ':')}`, route] as const))(
  '%s bears anything',
  async (_, route) => {
    // An admin of its own, as the others may have lost their role by now.
    const holder = { accountId: 'acme', userId: `root-${door.clock.time++}`, role: 'admin', displayName: 'fuzz' } as const;
    const { key } = await issueKey(door.context, holder);
    const check = async (sent: Sent) => {
      const before = door.logged.length;
      const reply = await send(route, sent, key);
      statuses.push(reply.status);
      await expectGoodReply(reply, OPENAI_ROUTES.includes(route) ? OPENAI_ENVELOPE : ENVELOPE);
      expect(door.logged.slice(before)).toEqual([]);
    };
    await fc.assert(fc.asyncProperty(sentTo(route), check), { numRuns: 60, interruptAfterTimeLimit: 20_000 });
  },
);

test('not everything was refused, and not for want of a role', () => {
  const share = (status: number) => statuses.filter((each) => each === status).length / statuses.length;
  expect(statuses.length).toBeGreaterThan(1_500);
  expect([share(200) > 0.05, share(400) > 0.1, share(403) < 0.35]).toEqual([true, true, true]);
});
