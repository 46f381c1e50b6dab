/** Folders below a root whose names are on disk before anything in them is promised. */
import { mkdir, open, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ifErrno } from './errno.ts';

export class DurableFolders {
  readonly #root: string;
  /** Folders whose own entries are known to be on disk, or are on their way there. */
  readonly #known = new Map<string, Promise<void>>();

  /** The root must be there. */
  constructor(root: string) {
    this.#root = root;
    this.#known.set(root, Promise.resolve());
  }

  /** Makes a folder and those above it; its entry is on disk when this resolves, whoever made it. */
  make(folder: string): Promise<void> {
    const known = this.#known.get(folder);
    if (known !== undefined) return known;
    const making = this.#reallyMake(folder);
    this.#known.set(folder, making);
    making.catch(() => this.#known.delete(folder));
    return making;
  }

  /** After a folder turned out to be gone: it and those above it are made anew when they are asked for. */
  forget(folder: string): void {
    if (folder === this.#root) return;
    this.#known.delete(folder);
    this.forget(dirname(folder));
  }

  /** Removes a folder if it is empty, and those above it that become so. */
  async prune(folder: string): Promise<void> {
    if (folder === this.#root) return;
    try {
      await rmdir(folder);
    } catch {
      return;
    }
    this.#known.delete(folder);
    await this.prune(dirname(folder));
  }

  async #reallyMake(folder: string): Promise<void> {
    const parent = dirname(folder);
    await this.make(parent);
    await mkdir(folder).catch(ifErrno('EEXIST'));
    await syncFolder(parent);
  }
}

/** Makes the names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
