/** What every object store must do. A driver's test opens one and runs this. */
import { createHash, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import type { ObjectStore, StoredObject } from '../../src/storage/object-store.ts';

const utf8 = (text: string) => Buffer.from(text);

async function* pieces(...texts: string[]) {
  for (const text of texts) yield utf8(text);
}

const listed = async (store: ObjectStore, prefix: string) => {
  const objects: StoredObject[] = [];
  for await (const object of store.list(prefix)) objects.push(object);
  return objects;
};

/** The keys that a listing gives, in its order. */
export const keysOf = async (store: ObjectStore, prefix: string): Promise<string[]> =>
  (await listed(store, prefix)).map(({ key }) => key);

/** `open` gives an empty store. */
export function objectStoreConformance(open: () => Promise<ObjectStore>): void {
  describe('every object store', () => {
    test('gives back what was put', async () => {
      const store = await open();
      await store.put('jobs/a/plan', utf8('hello'));
      expect((await buffer(await store.get('jobs/a/plan'))).toString()).toBe('hello');
      expect((await store.read('jobs/a/plan')).toString()).toBe('hello');
      expect(await store.head('jobs/a/plan')).toEqual({ key: 'jobs/a/plan', bytes: 5 });
    });

    test('keeps an empty object', async () => {
      const store = await open();
      await store.put('empty', new Uint8Array());
      expect(await store.putStream('empty-stream', pieces())).toEqual({ key: 'empty-stream', bytes: 0 });
      for (const key of ['empty', 'empty-stream']) {
        expect(await store.head(key)).toEqual({ key, bytes: 0 });
        expect(await store.read(key)).toHaveLength(0);
        expect(await buffer(await store.get(key))).toHaveLength(0);
      }
    });

    test('writes a stream and counts its bytes', async () => {
      const store = await open();
      expect(await store.putStream('file', pieces('one ', '', 'two ', 'three'))).toEqual({ key: 'file', bytes: 13 });
      expect((await store.read('file')).toString()).toBe('one two three');
    });

    test('keeps 32 MiB in uneven pieces to the byte', async () => {
      const store = await open();
      const [written, read] = [createHash('sha256'), createHash('sha256')];
      const sent = (async function* () {
        for (let left = 32 * 2 ** 20; left > 0; ) {
          const piece = randomBytes(Math.min(left, 1 + Math.floor(Math.random() * 300_000)));
          left -= piece.length;
          written.update(piece);
          yield piece;
        }
      })();
      expect((await store.putStream('large', sent)).bytes).toBe(32 * 2 ** 20);
      for await (const piece of await store.get('large')) read.update(piece);
      expect(read.digest('hex')).toBe(written.digest('hex'));
    });

    test.each([
      [{ start: 0, end: 4 }, '0123'],
      [{ start: 4, end: 6 }, '45'],
      [{ start: 7 }, '789'],
      [{ start: 9, end: 10 }, '9'],
      [{ start: 8, end: 99 }, '89'],
      [{ start: 3, end: 3 }, ''],
      [{ start: 10 }, ''],
      [{ start: 50, end: 60 }, ''],
    ])('reads the range %o', async (range, expected) => {
      const store = await open();
      await store.put('digits', utf8('0123456789'));
      expect((await store.read('digits', range)).toString()).toBe(expected);
      expect((await buffer(await store.get('digits', range))).toString()).toBe(expected);
    });

    test('says which object is missing', async () => {
      const store = await open();
      await store.put('folder/object', utf8('x'));
      for (const key of ['nothing', 'folder', 'folder/other', 'folder/object/below']) {
        const problem = { code: 'NOT_FOUND', reason: 'OBJECT_NOT_FOUND', details: { key } };
        await expect(store.get(key)).rejects.toMatchObject(problem);
        await expect(store.read(key)).rejects.toMatchObject(problem);
        expect(await store.head(key)).toBeUndefined();
      }
    });

    test('lists by prefix, in the order of keys', async () => {
      const store = await open();
      const keys = [
        'jobs/a/part-0002',
        'jobs/a/part-0001',
        'jobs/a-b/plan',
        'jobs/a.x',
        'jobs/b/plan',
        'data/z',
        'jobs/a/deep/er/x',
        'jobsX',
      ];
      for (const key of keys) await store.put(key, utf8(key));
      const sorted = [...keys].sort();
      expect(await keysOf(store, '')).toEqual(sorted);
      for (const prefix of ['jobs/', 'jobs/a', 'jobs/a/', 'jobs/a/part', 'jobs', 'none', 'jobs/none/']) {
        expect(await keysOf(store, prefix)).toEqual(sorted.filter((key) => key.startsWith(prefix)));
      }
    });

    test('says how large listed objects are', async () => {
      const store = await open();
      await store.put('a/b', utf8('four'));
      expect(await listed(store, 'a/')).toEqual([{ key: 'a/b', bytes: 4 }]);
    });

    test('deletes, also what is not there', async () => {
      const store = await open();
      await store.put('a/one', utf8('1'));
      await store.put('a/two', utf8('2'));
      await store.delete(['a/one', 'a/never', 'never/there']);
      expect(await keysOf(store, '')).toEqual(['a/two']);
      await store.delete(['a/two']);
      expect(await keysOf(store, '')).toEqual([]);
      await store.put('a/one', utf8('again'));
      expect((await store.read('a/one')).toString()).toBe('again');
    });

    test('leaves nothing behind when the stream fails, and throws its failure on', async () => {
      const store = await open();
      const failure = new Error('the sender hung up');
      const failing = async function* () {
        yield randomBytes(2 ** 20);
        throw failure;
      };
      await expect(store.putStream('half', failing())).rejects.toBe(failure);
      expect(await store.head('half')).toBeUndefined();
      expect(await keysOf(store, '')).toEqual([]);
    });

    test('shows an object only once it is whole', async () => {
      const store = await open();
      const more = Promise.withResolvers<void>();
      const begun = Promise.withResolvers<void>();
      const slow = async function* () {
        yield randomBytes(2 ** 20);
        begun.resolve();
        await more.promise;
        yield utf8('end');
      };
      const putting = store.putStream('slow', slow());
      await begun.promise;
      expect(await store.head('slow')).toBeUndefined();
      expect(await keysOf(store, '')).toEqual([]);
      more.resolve();
      await putting;
      expect(await store.head('slow')).toEqual({ key: 'slow', bytes: 2 ** 20 + 3 });
    });

    test('puts into and deletes from one folder at the same time', async () => {
      const store = await open();
      const one = async (name: string) => {
        for (let turn = 0; turn < 25; turn += 1) {
          await store.put(`deep/er/folder/${name}`, utf8(name));
          expect((await store.read(`deep/er/folder/${name}`)).toString()).toBe(name);
          await store.delete([`deep/er/folder/${name}`]);
        }
      };
      await Promise.all(['a', 'b', 'c', 'd'].map(one));
      expect(await keysOf(store, '')).toEqual([]);
    });

    test.each(['', '/etc/passwd', '../up', 'a/../../up', 'a//b', 'a/', './a', '.hidden', 'a/.hidden', 'a\0b', 'a\\b'])(
      'refuses the key %j',
      async (key) => {
        const store = await open();
        const problem = { code: 'INVALID_ARGUMENT', reason: 'INVALID_OBJECT_KEY' };
        await expect(store.put(key, utf8('x'))).rejects.toMatchObject(problem);
        await expect(store.putStream(key, pieces('x'))).rejects.toMatchObject(problem);
        await expect(store.get(key)).rejects.toMatchObject(problem);
        await expect(store.delete([key])).rejects.toMatchObject(problem);
      },
    );
  });
}
