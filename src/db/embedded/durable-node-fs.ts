/**
 * PGlite's folder on disk, with an fsync that reaches the disk.
 *
 * PGlite starts PostgreSQL with fsync off, and its file system has no such operation at all: an acknowledged commit would be in the page
 * cache only. Here the operation exists; together with `fsync=on` and `wal_sync_method=fsync` every commit is one sync. This leans on
 * a detail of PGlite that is not documented, so its version is pinned and a test counts the syncs.
 */
import { fdatasyncSync, fsyncSync } from 'node:fs';
import type { PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';

type Options = Parameters<NodeFS['init']>[1];

/** What we need to know of Emscripten's file system. */
interface Module {
  readonly NODEFS: {
    readonly stream_ops: { fsync?: (stream: Stream) => number; write: (stream: Stream, ...given: readonly unknown[]) => unknown };
    readonly node_ops: Record<'setattr' | 'rename', (node: FileNode, ...given: readonly unknown[]) => unknown> & {
      mknod: (...given: readonly unknown[]) => FileNode;
    };
  };
  readonly FS: { readonly ErrnoError: new (code: number) => Error; readonly isDir: (mode: number) => boolean };
}

interface FileNode {
  readonly mode: number;
}

interface Stream {
  readonly nfd: number;
  readonly node: FileNode;
}

/** Emscripten's number for an input/output error; PostgreSQL then stops instead of trusting the disk. */
const EIO = 29;

/** Counts what was synced since the process began, so that a test can see it. */
export const syncs = { count: 0 };

/** Until the database is open, only what was written since an earlier process's files were synced is synced again. */
export class DurableNodeFs extends NodeFS {
  readonly #synced: Promise<boolean>;
  readonly #written = new WeakSet<FileNode>();
  #isOnDisk = false;

  /** `synced`: whether all that an earlier process has written is on disk. */
  constructor(dir: string, synced: Promise<boolean>) {
    super(dir);
    this.#synced = synced;
  }

  override async init(lite: PGlite, options: Options): ReturnType<NodeFS['init']> {
    const { emscriptenOpts } = await super.init(lite, options);
    const prepare = (module: unknown): void => {
      this.#watchWrites(module as Module); // PGlite's own module, typed as far as we use it
      this.#syncForReal(module as Module);
    };
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), prepare] } };
  }

  override async initialSyncFs(): Promise<void> {
    await super.initialSyncFs();
    this.#isOnDisk = await this.#synced;
  }

  /** The database is open: from now on every sync reaches the disk. */
  opened(): void {
    this.#isOnDisk = false;
  }

  #watchWrites({ NODEFS: { stream_ops, node_ops } }: Module): void {
    const { write } = stream_ops;
    const { mknod } = node_ops;
    stream_ops.write = (stream, ...given) => {
      this.#written.add(stream.node);
      return write(stream, ...given);
    };
    node_ops.mknod = (...given) => {
      const node = mknod(...given);
      this.#written.add(node);
      return node;
    };
    for (const name of ['setattr', 'rename'] as const) {
      const change = node_ops[name];
      node_ops[name] = (node, ...given) => {
        this.#written.add(node);
        return change(node, ...given);
      };
    }
  }

  #syncForReal({ NODEFS, FS }: Module): void {
    NODEFS.stream_ops.fsync = ({ nfd, node }) => {
      const isDir = FS.isDir(node.mode);
      // What files a folder holds is changed in more ways than one, and there are few folders.
      if (this.#isOnDisk && !isDir && !this.#written.has(node)) return 0;
      try {
        if (isDir) fsyncSync(nfd);
        else fdatasyncSync(nfd);
        syncs.count += 1;
        return 0;
      } catch {
        throw new FS.ErrnoError(EIO);
      }
    };
  }
}
