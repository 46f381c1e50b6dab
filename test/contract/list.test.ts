import { expect, test } from 'vitest';
import { ListQuery, makePageToken, readPageToken } from '../../src/contract/list.ts';

test('a page token is read back for the same parameters only', () => {
  const token = makePageToken(50, ['acme', undefined, 'name']);
  expect(token).toMatch(/^[\w-]+$/);
  expect(readPageToken(token, ['acme', undefined, 'name'])).toBe(50);
  expect(readPageToken(token, ['bob', undefined, 'name'])).toBeUndefined();
  expect(readPageToken(token, ['acme', 'name', undefined])).toBeUndefined();
});

test('a page token is safe in a URL as it is, whatever it holds', () => {
  for (let offset = 0; offset < 500; offset += 1) {
    const token = makePageToken(offset, ['acme', `filter ${offset}`]);
    expect(new URLSearchParams(`pageToken=${token}`).get('pageToken')).toBe(token);
    expect(readPageToken(token, ['acme', `filter ${offset}`])).toBe(offset);
  }
});

test.each(['', 'x', '%%%', btoa('50'), btoa('-1.abc')])('the token %j is refused', (token) => {
  expect(readPageToken(token, [])).toBeUndefined();
});

test.each([
  [undefined, undefined],
  ['0', 50],
  ['2147483647', 200],
  ['1', 1],
  ['200', 200],
  ['1000', 200],
])('pageSize %s means %s', (sent, meant) => {
  expect(ListQuery.parse(sent === undefined ? {} : { pageSize: sent }).pageSize).toBe(meant);
});

test.each(['-1', 'x', '1.5'])('pageSize %s is refused', (sent) => {
  expect(ListQuery.safeParse({ pageSize: sent }).success).toBe(false);
});
