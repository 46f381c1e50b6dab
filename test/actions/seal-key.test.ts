import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { openSealedKey, sealKey } from '../../src/actions/seal-key.ts';

const secret = randomBytes(32);
const owner = { accountId: 'acme', id: 'gpu' };
const KEY = 'sk-ключ-with-everything';

test('a sealed key is opened with the same secret for the same engine, and with no other', () => {
  const sealed = sealKey(secret, owner, KEY);
  expect(openSealedKey(secret, owner, sealed)).toBe(KEY);
  expect(openSealedKey(randomBytes(32), owner, sealed)).toBeUndefined();
  expect(openSealedKey(secret, { ...owner, id: 'other' }, sealed)).toBeUndefined();
  expect(openSealedKey(secret, { ...owner, accountId: 'bob' }, sealed)).toBeUndefined();
});

test('one bit changed anywhere, or a piece of it, opens nothing', () => {
  const [version, text = ''] = sealKey(secret, owner, KEY).split('.');
  const bytes = Buffer.from(text, 'base64url');
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(openSealedKey(secret, owner, `${version}.${changed.toString('base64url')}`)).toBeUndefined();
    expect(openSealedKey(secret, owner, `${version}.${bytes.subarray(0, at).toString('base64url')}`)).toBeUndefined();
  }
  for (const odd of ['', 'v1', 'v1.', `v2.${text}`, text]) expect(openSealedKey(secret, owner, odd)).toBeUndefined();
});

test('nothing of the key is in the sealed one, which is another each time', () => {
  const sealed = [sealKey(secret, owner, KEY), sealKey(secret, owner, KEY)];
  expect(new Set(sealed).size).toBe(2);
  for (const each of sealed) expect(Buffer.from(each.slice(3), 'base64url').toString('latin1')).not.toContain('sk-');
});
