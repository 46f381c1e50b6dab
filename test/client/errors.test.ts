import { expect, test } from 'vitest';
import { toApiError, toConnectionError } from '../../src/client/errors.ts';
import { httpStatusOf, numberOf, STATUS_CODES } from '../../src/contract/errors.ts';

const refuse = (status: number, body: unknown, headers = {}) =>
  toApiError(new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers }));

test('every code of the contract is read by its number', async () => {
  for (const code of STATUS_CODES.slice(1)) {
    const status = Math.max(400, httpStatusOf(code));
    const error = await refuse(status, { code: numberOf(code), message: 'm', details: [] });
    // UNKNOWN says nothing, so it is a defect of the server like INTERNAL.
    expect(error).toMatchObject({ code: code === 'UNKNOWN' ? 'INTERNAL' : code, reason: code, status, message: 'm' });
  }
});

test('retry-after is seconds or a date', async () => {
  expect((await refuse(503, '', { 'retry-after': '2' })).retryAfterMs).toBe(2_000);
  const inAMinute = new Date(Date.now() + 60_000).toUTCString();
  expect((await refuse(503, '', { 'retry-after': inAMinute })).retryAfterMs).toBeGreaterThan(50_000);
  expect((await refuse(503, '', { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' })).retryAfterMs).toBe(0);
  expect((await refuse(503, '', { 'retry-after': 'soon' })).retryAfterMs).toBeUndefined();
});

test('an answer that says nothing we know is told by its status', async () => {
  const seen = await Promise.all([401, 404, 409, 418, 429, 500, 502].map((status) => refuse(status, 'oops')));
  expect(seen.map(({ code }) => code)).toEqual([
    'UNAUTHENTICATED',
    'NOT_FOUND',
    'ABORTED',
    'INVALID_ARGUMENT',
    'RESOURCE_EXHAUSTED',
    'INTERNAL',
    'UNAVAILABLE',
  ]);
  expect((await refuse(500, '')).message).toBe('The server answered 500.');
});

test('a time-out is told from a line that is not there', () => {
  const timeout = toConnectionError(new DOMException('too long', 'TimeoutError'), 'http://h/x');
  expect(timeout).toMatchObject({ code: 'DEADLINE_EXCEEDED', reason: 'NO_ANSWER', message: 'http://h did not answer in time.' });
  const several = new AggregateError([new Error('connect ECONNREFUSED ::1:9')], '');
  expect(toConnectionError(new TypeError('fetch failed', { cause: several }), 'http://h:9/x')).toMatchObject({
    code: 'UNAVAILABLE',
    message: "Can't reach http://h:9: connect ECONNREFUSED ::1:9.",
  });
});
