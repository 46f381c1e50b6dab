/**
 * The file of a journal's segment. What is appended is with the kernel at once, so that it survives the process, and on disk a moment later, so that it
 * survives a power cut. A slow sync holds no append up.
 */
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DurableFolders, syncFolder } from '../storage/durable-folders.ts';

const SYNC_EVERY_MS = 30;

export interface SegmentFileOptions {
  readonly path: string;
  /** A folder above it that is there for good. */
  readonly root: string;
  /** Told that the disk fails, as often as it does. */
  readonly onFailure: (cause: unknown) => void;
}

export class SegmentFile {
  readonly #path: string;
  readonly #onFailure: (cause: unknown) => void;
  readonly #file: Promise<FileHandle>;
  /** Resolves when its name is on disk: without it the bytes could not be found. */
  readonly #named: Promise<void>;
  readonly #pending: Buffer[] = [];
  #isWriteScheduled = false;
  #isSynced = true;
  #writing: Promise<void> = Promise.resolve();
  #syncing: Promise<void> = Promise.resolve();
  #syncTimer: NodeJS.Timeout | undefined;

  constructor({ path, root, onFailure }: SegmentFileOptions) {
    const folder = dirname(path);
    this.#path = path;
    this.#onFailure = onFailure;
    this.#file = mkdir(folder, { recursive: true }).then(() => open(path, 'wx'));
    this.#named = this.#file.then(() => new DurableFolders(root).make(folder)).then(() => syncFolder(folder));
    this.#named.catch(onFailure);
  }

  append(bytes: Buffer): void {
    this.#pending.push(bytes);
    this.#isSynced = false;
    this.#syncTimer ??= this.#syncLater();
    if (this.#isWriteScheduled) return;
    this.#isWriteScheduled = true;
    this.#writing = this.#writing.then(() => this.#write());
    this.#writing.catch(this.#onFailure);
  }

  /** Resolves when everything is on disk. */
  async close(): Promise<void> {
    clearTimeout(this.#syncTimer);
    try {
      await this.#sync();
    } finally {
      await (await this.#file).close();
    }
  }

  async remove(): Promise<void> {
    await unlink(this.#path);
  }

  /** One write per turn of the event loop, however many rows it brought. */
  async #write(): Promise<void> {
    await nextTurn();
    this.#isWriteScheduled = false;
    const bytes = Buffer.concat(this.#pending.splice(0));
    await (await this.#file).appendFile(bytes);
  }

  #syncLater(): NodeJS.Timeout {
    return setTimeout(async () => {
      await this.#sync().catch(this.#onFailure);
      this.#syncTimer = this.#isSynced ? undefined : this.#syncLater();
    }, SYNC_EVERY_MS);
  }

  /** What has been appended by now. */
  #sync(): Promise<void> {
    const written = this.#writing;
    this.#isSynced = true;
    this.#syncing = this.#syncing.then(async () => {
      await Promise.all([written, this.#named]);
      await (await this.#file).datasync();
    });
    return this.#syncing;
  }
}
