import { expect, test } from 'vitest';
import { findNeeded } from '../../packaging/lock.ts';

const lock = {
  packages: {
    '': {},
    'node_modules/a': { dependencies: { b: '^2.0.0', binary: '1.0.0' }, optionalDependencies: { binary: '1.0.0' } },
    'node_modules/a/node_modules/b': { version: '2.0.0', dependencies: { c: '1.0.0' } },
    'node_modules/b': { version: '1.0.0' },
    'node_modules/binary': {},
    'node_modules/c': { peerDependencies: { d: '1', e: '1' }, peerDependenciesMeta: { e: { optional: true } } },
    'node_modules/d': { dependencies: { a: '1.0.0' } },
    'node_modules/e': {},
    'node_modules/tool': { dependencies: { b: '1.0.0' } },
  },
};

test('what a package needs is found as Node finds it, from the inside out', () => {
  expect(findNeeded(lock, ['a'])).toEqual([
    'node_modules/a',
    'node_modules/a/node_modules/b',
    'node_modules/c',
    'node_modules/d',
  ]);
  expect(findNeeded(lock, ['tool'])).toEqual(['node_modules/b', 'node_modules/tool']);
});

test('a need that the lock file does not meet is refused with both names', () => {
  const torn = { packages: { 'node_modules/a': { dependencies: { lost: '1.0.0' } } } };
  expect(() => findNeeded(torn, ['a'])).toThrow(/no lost, which node_modules\/a needs/);
});
