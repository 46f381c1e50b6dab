import { expect, test } from 'vitest';
import { makeModelRegistry, type RegisteredModel } from '../../src/actions/model-registry.ts';

const model = (name: string): RegisteredModel => ({ name, served: true, precision: 'BF16' });
const models = [
  'accounts/boatload/models/tickets',
  'accounts/boatload/models/shared',
  'accounts/acme/models/shared',
  'accounts/bob/models/secret',
].map(model);
const registry = makeModelRegistry(() => models);
const resolve = (name: string) => registry.resolve(name, 'acme')?.name;

test.each([
  ['tickets', 'accounts/boatload/models/tickets'],
  ['accounts/boatload/models/tickets', 'accounts/boatload/models/tickets'],
  ['accounts/fireworks/models/tickets', 'accounts/boatload/models/tickets'],
  ['shared', 'accounts/acme/models/shared'],
  ['accounts/me/models/shared', 'accounts/acme/models/shared'],
  ['accounts/fireworks/models/shared', 'accounts/boatload/models/shared'],
  ['accounts/acme/models/tickets', undefined],
  ['accounts/bob/models/secret', undefined],
  ['secret', undefined],
  ['', undefined],
  ['accounts/boatload/datasets/tickets', undefined],
])('for acme, %s means %s', (name, meant) => {
  expect(resolve(name)).toBe(meant);
});

test('an account sees its own models and the public ones', () => {
  expect(registry.list('acme').map(({ name }) => name)).toEqual(models.slice(0, 3).map(({ name }) => name));
});
