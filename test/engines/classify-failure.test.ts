import { expect, test } from 'vitest';
import { classifyReply } from '../../src/engines/classify-failure.ts';
import type { EngineAnswer, EngineSilence } from '../../src/engines/engine.ts';

const answer = (status: number, body: unknown = '', headers: Record<string, string> = {}): EngineAnswer => ({
  kind: 'answer',
  status,
  headers,
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
});
const silence = (cause: EngineSilence['cause']): EngineSilence => ({ kind: 'silence', cause, message: 'It was quiet.' });
const envelope = (message: string, more: object = {}) => ({ error: { message, ...more } });

test('a success is a success', () => {
  expect(classifyReply(answer(200, { id: 'x', choices: [] }))).toMatchObject({
    verdict: 'success',
    cause: 'ok',
    status: 200,
    refused: false,
  });
  expect(classifyReply(answer(200, '{"error":null,"id":"resp_1"}')).verdict).toBe('success');
});

test.each([
  [408, '', 'retry', 'http-408', false],
  [409, '', 'retry', 'http-409', false],
  [425, '', 'retry', 'http-425', false],
  [499, '', 'retry', 'http-499', false],
  [500, '', 'retry', 'http-500', false],
  [502, '<html>Bad gateway</html>', 'retry', 'http-502', false],
  [504, '', 'retry', 'http-504', false],
  [429, envelope('Slow down.'), 'retry', 'rate-limited', true],
  [503, envelope('Loading model', { type: 'unavailable_error', code: 503 }), 'retry', 'engine-loading', true],
  [503, '', 'retry', 'engine-overloaded', true],
  [529, '', 'retry', 'engine-overloaded', true],
  [400, envelope('temperature must be below 2'), 'terminal', 'bad-request', false],
  [400, envelope("This model's maximum context length is 8192 tokens."), 'terminal', 'context-too-long', false],
  [400, envelope('Too long.', { code: 'context_length_exceeded' }), 'terminal', 'context-too-long', false],
  [403, envelope('Your input was flagged.'), 'terminal', 'moderated', false],
  [404, { detail: 'Not Found' }, 'terminal', 'not-found', false],
  [413, '', 'terminal', 'request-too-large', false],
  [418, '', 'terminal', 'http-418', false],
  [501, '', 'terminal', 'http-501', false],
  [401, envelope('Incorrect API key.'), 'fatal', 'key-refused', false],
  [403, '', 'fatal', 'key-refused', false],
  [402, '', 'fatal', 'quota-exhausted', false],
  [429, envelope('You exceeded your quota.', { code: 'insufficient_quota' }), 'fatal', 'quota-exhausted', false],
  [404, envelope('The model `x` does not exist.', { type: 'NotFoundError', code: 404 }), 'fatal', 'model-gone', false],
  [404, envelope('model "llama9" not found, try pulling it first'), 'fatal', 'model-gone', false],
  [404, envelope('Gone.', { code: 'model_not_found' }), 'fatal', 'model-gone', false],
  [400, envelope('foo/bar is not a valid model ID'), 'fatal', 'model-gone', false],
  [301, '', 'fatal', 'redirected', false],
])('HTTP %i with %j is %s: %s', (status, body, verdict, cause, refused) => {
  expect(classifyReply(answer(status, body))).toMatchObject({ verdict, cause, status, refused });
});

test.each([
  [envelope('Upstream went away.', { code: 502 }), 502, 'http-502', false],
  [envelope('Slow down.', { code: 429 }), 429, 'rate-limited', true],
  [{ error: 'something' }, 502, 'http-502', false],
])('an error behind a 200, %j, is what it would be as %i', (body, status, cause, refused) => {
  expect(classifyReply(answer(200, body))).toMatchObject({ verdict: 'retry', status, cause, refused });
});

test.each([
  ['connection', 'retry', true],
  ['connect-timeout', 'retry', true],
  ['aborted', 'retry', true],
  ['cut-off', 'retry', false],
  ['first-byte-timeout', 'retry', false],
  ['idle-timeout', 'retry', false],
  ['total-timeout', 'retry', false],
  ['too-large', 'terminal', false],
] as const)('silence by %s is %s', (cause, verdict, refused) => {
  expect(classifyReply(silence(cause))).toEqual({ verdict, cause, message: 'It was quiet.', refused });
});

test.each([
  [envelope('In an envelope.'), 'In an envelope.'],
  [{ error: 'A string.' }, 'A string.'],
  [{ object: 'error', message: 'At the top.' }, 'At the top.'],
  [{ detail: 'From FastAPI.' }, 'From FastAPI.'],
  [{ detail: [{ loc: ['body', 'n'], msg: 'too many' }, { msg: 'and more' }] }, 'body.n: too many; and more'],
  ['plain text\n', 'plain text'],
  ['', 'HTTP 400'],
  [{ unknown: 'shape' }, '{"unknown":"shape"}'],
])('keeps the words of %j', (body, message) => {
  expect(classifyReply(answer(400, body)).message).toBe(message);
});

test('a page of megabytes does not become the words of a row', () => {
  expect(classifyReply(answer(400, 'x'.repeat(1_000_000))).message).toBe('x'.repeat(10_000));
});

test.each([
  [{ 'retry-after': '3' }, 3_000],
  [{ 'retry-after': '0.5' }, 500],
  [{ 'retry-after-ms': '120' }, 120],
  [{ 'retry-after': '9', 'retry-after-ms': '120' }, 120],
  [{ 'retry-after': 'Thu, 01 Jan 1970 00:00:20 GMT' }, 10_000],
  [{ 'retry-after': 'Thu, 01 Jan 1970 00:00:05 GMT' }, 0],
  [{ 'retry-after': 'soon' }, undefined],
  [{}, undefined],
])('reads %j as a wait of %s ms', (headers, retryAfterMs) => {
  expect(classifyReply(answer(429, '', headers as Record<string, string>), 10_000).retryAfterMs).toBe(retryAfterMs);
});
