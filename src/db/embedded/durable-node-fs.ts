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
  readonly NODEFS: { readonly stream_ops: { fsync?: (stream: Stream) => number } };
  readonly FS: { readonly ErrnoError: new (code: number) => Error; readonly isDir: (mode: number) => boolean };
}

interface Stream {
  readonly nfd: number;
  readonly node: { readonly mode: number };
}

/** Emscripten's number for an input/output error; PostgreSQL then stops instead of trusting the disk. */
const EIO = 29;

/** Counts what was synced since the process began, so that a test can see it. */
export const syncs = { count: 0 };

export class DurableNodeFs extends NodeFS {
  override async init(lite: PGlite, options: Options): ReturnType<NodeFS['init']> {
    const { emscriptenOpts } = await super.init(lite, options);
    const addSync = (module: unknown): void => syncForReal(module as Module); // PGlite's own module, typed as far as we use it
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), addSync] } };
  }
}

function syncForReal({ NODEFS, FS }: Module): void {
  NODEFS.stream_ops.fsync = ({ nfd, node }) => {
    try {
      if (FS.isDir(node.mode)) fsyncSync(nfd);
      else fdatasyncSync(nfd);
      syncs.count += 1;
      return 0;
    } catch {
      throw new FS.ErrnoError(EIO);
    }
  };
}
