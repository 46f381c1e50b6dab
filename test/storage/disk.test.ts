import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { chmod, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { openDiskStore } from '../../src/storage/disk.ts';
import { toWriteProblem } from '../../src/storage/disk-problem.ts';
import { keysOf, objectStoreConformance } from '../conformance/object-store.ts';

const scratch = mkdtempSync(join(tmpdir(), 'boatload-disk-'));
afterAll(() => rm(scratch, { recursive: true }));
const newFolder = () => mkdtempSync(join(scratch, 'store-'));
const writer = fileURLToPath(new URL('./disk-writer.ts', import.meta.url));
const filesBelow = (dir: string) =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);

async function startWriter(dir: string, options: object = {}): Promise<ChildProcess> {
  const child = fork(writer, [dir], options);
  const [message] = await once(child, 'message');
  expect(message).toBe('writing');
  return child;
}

objectStoreConformance(() => openDiskStore(newFolder()));

test('makes its folder, and the folders above it', async () => {
  const dir = join(newFolder(), 'a', 'b');
  await (await openDiskStore(dir)).put('x', Buffer.from('x'));
  expect((await (await openDiskStore(dir)).read('x')).toString()).toBe('x');
});

test('a process killed in the middle of a stream leaves nothing to see, and the next start removes the rest', async () => {
  const dir = newFolder();
  const child = await startWriter(dir);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(filesBelow(dir)).toHaveLength(1);
  const store = await openDiskStore(dir);
  expect(await keysOf(store, '')).toEqual([]);
  expect(filesBelow(dir)).toEqual([]);
});

test('a second process does not remove what the first is writing', async () => {
  const dir = newFolder();
  const child = await startWriter(dir);
  await openDiskStore(dir);
  expect(filesBelow(dir)).toHaveLength(1);
  const finished = once(child, 'message');
  child.send('finish');
  expect((await finished)[0]).toEqual({ key: 'big/object', bytes: 2 ** 20 + 3 });
  expect(filesBelow(dir)).toEqual(['object']);
  child.kill();
});

test('an empty folder goes with its last object', async () => {
  const dir = newFolder();
  const store = await openDiskStore(dir);
  await store.put('jobs/a/parts/1', Buffer.from('x'));
  await store.put('jobs/b', Buffer.from('x'));
  await store.delete(['jobs/a/parts/1']);
  expect(readdirSync(join(dir, 'jobs'))).toEqual(['b']);
});

test('a folder that may not be written to is a problem that names it', async () => {
  const dir = newFolder();
  await chmod(dir, 0o555);
  // Root may write anywhere, so nobody tries.
  const asNobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  await chmod(scratch, 0o755);
  const child = fork(writer, [dir], asNobody);
  const [message] = await once(child, 'message');
  expect(message).toMatchObject({ reason: 'STORE_NOT_WRITABLE', code: 'FAILED_PRECONDITION' });
  expect(message.message).toContain(dir);
});

test('a file in place of the folder is a problem too', async () => {
  const file = join(newFolder(), 'file');
  writeFileSync(file, '');
  await expect(openDiskStore(file)).rejects.toMatchObject({ reason: 'STORE_NOT_WRITABLE' });
});

test.each(['ENOSPC', 'EDQUOT'])('%s is a full disk', (code) => {
  const error = Object.assign(new Error('write'), { code });
  expect(toWriteProblem(error, '/data')).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'DISK_FULL', cause: error });
});

test("the body's own system error is not taken for the disk's", async () => {
  const store = await openDiskStore(newFolder());
  const denied = Object.assign(new Error('open'), { code: 'EACCES' });
  const failing = (async function* () {
    yield Buffer.from('x');
    throw denied;
  })();
  await expect(store.putStream('x', failing)).rejects.toBe(denied);
});
