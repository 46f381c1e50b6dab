/** Odd methods, odd kinds of content, bodies beyond measure, and links that were tampered with: refused in the right words, by every path. */
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ROUTES } from '../../src/api/app.ts';
import { OPENAI_ROUTES } from '../../src/api/openai/routes.ts';
import { openDoor } from './door.ts';

const ALL = [...ROUTES, ...OPENAI_ROUTES];
/** Of every path that takes a body, one route. */
const TAKING = ALL.filter(({ method }) => method === 'post' || method === 'patch');
let door: Awaited<ReturnType<typeof openDoor>>;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());
beforeEach(() => void door.logged.splice(0));

const titleOf = (route: (typeof ALL)[number]) => [`${route.method} ${route.path.replace('/@', ':')}`, route] as const;
const urlOf = ({ path }: (typeof ALL)[number]) =>
  path.replace('{account_id}', 'acme').replaceAll(/{\w+}/g, 'nothing').replace('/@', ':');

/** A refusal of ours, in the words of its dialect; never a fault of ours. */
const refusalIn = async (reply: Response) => {
  const text = await reply.text();
  expect(door.logged).toEqual([]);
  if (text === 'Method Not Allowed') return { status: reply.status, reason: text };
  const { details, error } = JSON.parse(text);
  return { status: reply.status, reason: details?.[0]?.reason ?? error?.code };
};

test.each([...new Map(ALL.map((route) => [route.path, titleOf(route)])).values()])('%s: odd methods', async (_, route) => {
  const offered = ALL.filter(({ path }) => path === route.path).map(({ method }) => method.toUpperCase());
  for (const method of ['PUT', 'OPTIONS', 'PROPFIND', 'GET', 'POST', 'PATCH', 'DELETE', 'get2', 'X'.repeat(2_000)]) {
    if (offered.includes(method)) continue;
    const reply = await door.ask(urlOf(route), { method });
    const { status, reason } = await refusalIn(reply);
    expect([method, status, String(reason).toLowerCase().replaceAll(' ', '_')]).toEqual([method, 405, 'method_not_allowed']);
    expect(reply.headers.get('allow')?.split(', ').toSorted()).toEqual(offered.toSorted());
  }
});

const CONTENT_TYPES = [
  '',
  'text/plain',
  'text/html; charset=utf-16',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'multipart/form-data; boundary=',
  'multipart/form-data; boundary=x',
  'multipart/form-data; boundary="\u00ff"',
  `multipart/form-data; boundary=${'x'.repeat(5_000)}`,
  'application/json; charset=utf-7',
  'garbage',
  '/;=,',
];

test.each(TAKING.map(titleOf))('%s: odd kinds of content', async (_, route) => {
  for (const type of CONTENT_TYPES)
    for (const body of [
      '',
      '{',
      'a=b&c=d',
      '--x\r\n\r\n--x--\r\n',
      '--x\r\ncontent-disposition: form-data; name="file"\r\n\r\nhalf',
    ]) {
      const asked = { method: route.method.toUpperCase(), body, headers: { 'content-type': type } };
      const reply = await door.ask(urlOf(route), asked);
      if (reply.status === 200) expect(body).toBe('');
      else expect([400, 403, 404, 501]).toContain((await refusalIn(reply)).status);
      await reply.body?.cancel().catch(() => {});
    }
});

test.each(TAKING.map(titleOf))('%s: bodies beyond measure', async (_, route) => {
  const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  const long = JSON.stringify({ model: 'x'.repeat(2 * 2 ** 20) });
  const wide = JSON.stringify(Object.fromEntries(Array.from({ length: 50_000 }, (_, field) => [`field${field}`, field])));
  for (const body of [deep, long, wide]) {
    const reply = await door.ask(urlOf(route), { method: route.method.toUpperCase(), body });
    if (reply.status !== 200) expect([400, 403, 404, 413, 501]).toContain((await refusalIn(reply)).status);
    await reply.body?.cancel().catch(() => {});
  }
});

const LINKS = ['uploads', 'downloads', 'merged-downloads', 'model-uploads', 'model-downloads'];
const oddText = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.constantFrom('0', '-1', 'NaN', '1e99', '%00', '..'));

test.each(LINKS)('%s: links that nobody made', async (folder) => {
  const anything = fc.record({
    words: fc.tuple(oddText, oddText, oddText),
    query: fc.dictionary(fc.constantFrom('expires', 'signature', 'size', 'x'), oddText),
    method: fc.constantFrom('GET', 'PUT', 'HEAD', 'POST', 'DELETE'),
  });
  const check = async ({ words, query, method }: typeof anything extends fc.Arbitrary<infer Value> ? Value : never) => {
    const path = words.map((word) => encodeURIComponent(word.toWellFormed()) || 'x').join('/');
    const search = new URLSearchParams(
      Object.entries(query).map(([name, value]): [string, string] => [name, value.toWellFormed()]),
    );
    const reply = await door.ask(`/v1/${folder}/${path}?${search}`, { method, key: null });
    expect([400, 401, 403, 404, 405]).toContain(reply.status);
    if (method !== 'HEAD') await refusalIn(reply);
  };
  await fc.assert(fc.asyncProperty(anything, check), { numRuns: 150 });
});

test('a link that is good bears any headers', async () => {
  await door.askJson('/v1/accounts/acme/datasets', { body: { datasetId: 'waiting' } });
  const body = { filenameToSize: { 'a.jsonl': '20' } };
  const { filenameToSignedUrls } = (await door.askJson('/v1/accounts/acme/datasets/waiting:getUploadEndpoint', { body })).body;
  const url = (filenameToSignedUrls['a.jsonl'] ?? '').replace('http://boatload.test', '');
  const number = fc.oneof(fc.constantFrom('0', '19', '20', '21', '-1', '', '*', '9'.repeat(20)), fc.nat(25).map(String));
  const range = fc.tuple(fc.constantFrom('bytes ', 'bytes=', 'rows ', ''), number, fc.constantFrom('-', ''), number, number);
  const sent = fc.record({
    range: fc.option(
      range.map(([unit, first, dash, last, total]) => `${unit}${first}${dash}${last}/${total}`),
      { nil: undefined },
    ),
    length: fc.option(number, { nil: undefined }),
    body: fc.nat(25).map((bytes) => 'x'.repeat(bytes)),
  });
  const check = async ({ range, length, body }: typeof sent extends fc.Arbitrary<infer Value> ? Value : never) => {
    const headers = {
      ...(range !== undefined && { 'content-range': range }),
      ...(length !== undefined && { 'content-length': length }),
    };
    const reply = await door.ask(url, { method: 'PUT', key: null, body, headers });
    expect([200, 308, 400]).toContain(reply.status);
    if (reply.status === 400) await refusalIn(reply);
    if (reply.status === 308) expect(reply.headers.get('range') ?? 'bytes=0-0').toMatch(/^bytes=0-\d+$/);
  };
  await fc.assert(fc.asyncProperty(sent, check), { numRuns: 300 });
});
