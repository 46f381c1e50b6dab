import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ModelCache } from '../../src/shelf/model-cache.ts';
import { openDiskStore } from '../../src/storage/disk.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { makeFolder } from '../support/folder.ts';

const FILE = { objectKey: 'models/m/1', sha256: 'a1' };

test('files of a store on this disk are read where they are', async () => {
  const objects = await openDiskStore(await makeFolder());
  await objects.put(FILE.objectKey, Buffer.from('weights'));
  const path = await new ModelCache(objects, await makeFolder()).pathOf(FILE);
  expect(readFileSync(path, 'utf8')).toBe('weights');
});

test('files of a store elsewhere are fetched once, and go with their model', async () => {
  const [near, folder] = [await openDiskStore(await makeFolder()), await makeFolder()];
  await near.put(FILE.objectKey, Buffer.from('weights'));
  let fetched = 0;
  const get: ObjectStore['get'] = async (key, range) => {
    fetched += 1;
    return near.get(key, range);
  };
  const far = new Proxy(near, {
    get: (target, name: keyof ObjectStore) => (name === 'pathOf' ? undefined : name === 'get' ? get : target[name]?.bind(target)),
  });
  const cache = new ModelCache(far, join(folder, 'models'));
  const paths = await Promise.all([cache.pathOf(FILE), cache.pathOf(FILE)]);
  expect(await cache.pathOf(FILE)).toBe(paths[0]);
  expect([new Set(paths).size, fetched, readFileSync(paths[0], 'utf8')]).toEqual([1, 1, 'weights']);
  await cache.keepOnly([FILE]);
  expect(existsSync(paths[0])).toBe(true);
  await cache.keepOnly([]);
  expect(existsSync(paths[0])).toBe(false);
});
