/**
 * Objects as files below one folder, the key as the path. A put writes aside, syncs, renames and syncs the folder, so that an object is
 * there whole or not at all, also after a power cut.
 */
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { Problem } from '../base/problem.ts';
import { nameAside, removeLeftovers, writeAside } from './aside.ts';
import { BodyFailure, toBatches } from './batches.ts';
import { toWriteProblem } from './disk-problem.ts';
import { DurableFolders, syncFolder } from './durable-folders.ts';
import { ifErrno, isErrno } from './errno.ts';
import { checkKey, objectNotFound } from './object-key.ts';
import type { ByteRange, ObjectStore, StoredObject } from './object-store.ts';

/** Files that are being written. No key begins with a dot, so it never meets an object. */
const ASIDE = '.writing';

/** Opens a folder as an object store and makes it where needed; what a crash left half written is removed. */
export async function openDiskStore(dir: string): Promise<ObjectStore> {
  const root = resolve(dir);
  try {
    const firstMade = await mkdir(join(root, ASIDE), { recursive: true });
    await removeLeftovers(join(root, ASIDE));
    if (firstMade !== undefined) await syncUpTo(root, dirname(firstMade));
  } catch (error) {
    throw toWriteProblem(error, root);
  }
  return new DiskStore(root);
}

/** Read at once of an object that is streamed: each read is a trip to the disk's thread, which Node's 64 KiB do four times as often. */
const READ_BYTES = 256 * 1024;
/** A folder can vanish under a put as often as deletes race with it; more often than this is another fault. */
const PRUNED_AT_MOST = 10;

class DiskStore implements ObjectStore {
  readonly #root: string;
  readonly #folders: DurableFolders;

  constructor(root: string) {
    this.#root = root;
    this.#folders = new DurableFolders(root);
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.#write(key, (file) => file.writeFile(bytes));
  }

  async putStream(key: string, body: AsyncIterable<Uint8Array>): Promise<StoredObject> {
    let bytes = 0;
    await this.#write(key, async (file) => {
      for await (const batch of toBatches(body)) {
        bytes += batch.length;
        // Goes on where the last write ended, and until all is written.
        await file.writeFile(batch);
      }
    });
    return { key, bytes };
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    const { file, size } = await this.#openObject(key);
    const { start, end } = within(size, range);
    // A read stream can't be empty: its last byte is part of it.
    if (start < end) return file.createReadStream({ start, end: end - 1, highWaterMark: READ_BYTES });
    await file.close();
    return Readable.from([]);
  }

  async read(key: string, range?: ByteRange): Promise<Buffer> {
    const { file, size } = await this.#openObject(key);
    try {
      const { start, end } = within(size, range);
      const bytes = Buffer.allocUnsafe(end - start);
      for (let filled = 0; filled < bytes.length; ) {
        const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
        if (bytesRead === 0) throw cutShort(key);
        filled += bytesRead;
      }
      return bytes;
    } finally {
      await file.close();
    }
  }

  pathOf(key: string): string {
    return this.#toPath(key);
  }

  async head(key: string): Promise<StoredObject | undefined> {
    const found = await stat(this.#toPath(key)).catch(ifMissing);
    return found?.isFile() ? { key, bytes: found.size } : undefined;
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    const slash = prefix.lastIndexOf('/');
    yield* this.#walk(prefix.slice(0, slash + 1), prefix.slice(slash + 1));
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const path = this.#toPath(key);
      await unlink(path).catch(ifMissing);
      await this.#folders.prune(dirname(path));
    }
  }

  /** `folder` is empty or ends in a slash. */
  async *#walk(folder: string, beginning: string): AsyncGenerator<StoredObject> {
    const path = folder === '' ? this.#root : this.#toPath(folder.slice(0, -1));
    const entries = await readdir(path, { withFileTypes: true }).catch(ifMissing);
    const names = (entries ?? [])
      .filter(({ name }) => name.startsWith(beginning) && !name.startsWith('.'))
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
    // With its slash, a folder stands where its objects' keys stand.
    for (const name of names.sort((a, b) => (a < b ? -1 : 1))) {
      if (name.endsWith('/')) yield* this.#walk(folder + name, '');
      else yield* this.#stored(folder + name);
    }
  }

  /** Nothing when it was deleted in the meantime. */
  async *#stored(key: string): AsyncGenerator<StoredObject> {
    const object = await this.head(key);
    if (object !== undefined) yield object;
  }

  async #openObject(key: string): Promise<{ readonly file: FileHandle; readonly size: number }> {
    const file = await open(this.#toPath(key)).catch(ifMissing);
    if (file === undefined) throw objectNotFound(key);
    const found = await file.stat();
    if (found.isFile()) return { file, size: found.size };
    await file.close();
    throw objectNotFound(key);
  }

  async #write(key: string, fill: (file: FileHandle) => Promise<void>): Promise<void> {
    const path = this.#toPath(key);
    const aside = nameAside(join(this.#root, ASIDE));
    try {
      await writeAside(aside, fill);
      await this.#moveIn(aside, path);
    } catch (error) {
      await rm(aside, { force: true });
      throw error instanceof BodyFailure ? error.cause : toWriteProblem(error, this.#root);
    }
  }

  async #moveIn(aside: string, path: string): Promise<void> {
    const folder = dirname(path);
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#folders.make(folder);
        await rename(aside, path);
        break;
      } catch (error) {
        // A delete pruned the folder just now.
        if (!isErrno(error, 'ENOENT') || tries === PRUNED_AT_MOST) throw error;
        this.#folders.forget(folder);
      }
    }
    await syncFolder(folder);
    // Somebody may have made it anew in the meantime.
    await this.#folders.make(folder);
  }

  #toPath(key: string): string {
    checkKey(key);
    return join(this.#root, key);
  }
}

/** Makes a folder and those above it durable, as far up as one was made. */
async function syncUpTo(folder: string, highest: string): Promise<void> {
  await syncFolder(folder);
  if (folder.length > highest.length) await syncUpTo(dirname(folder), highest);
}

function within(size: number, range: ByteRange | undefined): { readonly start: number; readonly end: number } {
  const start = Math.min(size, Math.max(0, range?.start ?? 0));
  return { start, end: Math.max(start, Math.min(size, range?.end ?? size)) };
}

const ifMissing = ifErrno('ENOENT', 'ENOTDIR', 'EISDIR');

const cutShort = (key: string): Problem =>
  new Problem(
    'DATA_LOSS',
    `The object "${key}" became shorter while it was read. Something else writes into the store's folder.`,
    {
      reason: 'OBJECT_CHANGED',
      details: { key },
    },
  );
