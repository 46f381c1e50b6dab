import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { checkLink, signLink } from '../../src/actions/sign-link.ts';

const secret = randomBytes(32);
const target = { allows: 'download', collection: 'datasets', accountId: 'acme', id: 'out', file: 'error-data' } as const;
const expires = 1_000;
const stamp = signLink(secret, target, expires);
const before = new Date(expires * 1000 - 1);

test('a link is good until it expires', () => {
  expect(() => checkLink(secret, { target, stamp, now: before })).not.toThrow();
  expect(() => checkLink(secret, { target, stamp, now: new Date(expires * 1000) })).toThrow(
    expect.objectContaining({ reason: 'LINK_EXPIRED' }),
  );
});

test.each([
  ['another account', { target: { ...target, accountId: 'bob' } }],
  ['another dataset', { target: { ...target, id: 'in' } }],
  ['another collection', { target: { ...target, collection: 'models' as const } }],
  ['another permission', { target: { ...target, allows: 'upload' as const } }],
  ['a size', { target: { ...target, bytes: 5 } }],
  ['another file', { target: { ...target, file: 'x' } }],
  ['another expiry', { stamp: { ...stamp, expires: expires + 1 } }],
  ['no number as expiry', { stamp: { ...stamp, expires: Number.NaN } }],
  ['another signature', { stamp: { ...stamp, signature: randomBytes(32).toString('base64url') } }],
  ['no signature', { stamp: { ...stamp, signature: '' } }],
  ['a cut signature', { stamp: { ...stamp, signature: stamp.signature.slice(0, -2) } }],
])('a link with %s is refused', (_, change) => {
  expect(() => checkLink(secret, { target, stamp, now: before, ...change })).toThrow(
    expect.objectContaining({ reason: 'LINK_FORGED' }),
  );
});

test('a link of another server is refused', () => {
  expect(() => checkLink(randomBytes(32), { target, stamp, now: before })).toThrow(
    expect.objectContaining({ reason: 'LINK_FORGED' }),
  );
});

test('names that run into each other have different signatures', () => {
  const [one, two] = [
    { ...target, accountId: 'a', id: 'b/c', file: 'd' },
    { ...target, accountId: 'a/b', id: 'c', file: 'd' },
  ] as const;
  expect(signLink(secret, one, expires).signature).not.toBe(signLink(secret, two, expires).signature);
});
