import { expect, test } from 'vitest';
import { isId, makeName, parseName } from '../../src/contract/names.ts';

test.each(['a', 'in-01', 'a-b', `a${'b'.repeat(62)}`])('%s is an id', (id) => {
  expect(isId(id)).toBe(true);
});

test.each(['', '1a', '-a', 'a-', 'A', 'a_b', 'a/b', 'a b', `a${'b'.repeat(63)}`, 'a\n'])('%j is not an id', (id) => {
  expect(isId(id)).toBe(false);
});

test('a full name, a bare id and both spellings of the collection are read', () => {
  expect(parseName('accounts/acme/datasets/in', 'datasets')).toEqual({ account: 'acme', id: 'in' });
  expect(parseName('in', 'datasets')).toEqual({ id: 'in' });
  expect(parseName('accounts/acme/batchInferenceJobs/j', 'batchInferenceJobs')).toEqual({ account: 'acme', id: 'j' });
  expect(parseName('accounts/acme/batch-inference-jobs/j', 'batchInferenceJobs')).toEqual({ account: 'acme', id: 'j' });
});

test('an alias of the own account names no account', () => {
  expect(parseName('accounts/-/datasets/in', 'datasets')).toEqual({ id: 'in' });
  expect(parseName('accounts/me/datasets/in', 'datasets')).toEqual({ id: 'in' });
});

test.each([
  '',
  'accounts/acme',
  'accounts/acme/models/in',
  'accounts//datasets/in',
  'accounts/acme/datasets/',
  'x/acme/datasets/in',
  'accounts/a/datasets/b/c',
])('%j is no dataset name', (name) => {
  expect(parseName(name, 'datasets')).toBeUndefined();
});

test('a made name is read back', () => {
  expect(parseName(makeName('acme', 'models', 'Qwen3.5'), 'models')).toEqual({ account: 'acme', id: 'Qwen3.5' });
});
