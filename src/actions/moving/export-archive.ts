/** Writes a whole installation into an archive, with flat memory. Cut short it is no archive yet, and goes on when it is repeated. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeId } from '../../base/ids.ts';
import { Problem } from '../../base/problem.ts';
import { syncPath } from '../../db/embedded/sync-tree.ts';
import { MIGRATIONS } from '../../db/migrations/migrations.ts';
import { LEFT_TABLES } from '../../db/moving/moved-tables.ts';
import { readTables } from '../../db/moving/read-tables.ts';
import { openObjectStore } from '../../storage/open-object-store.ts';
import type { Context } from '../context.ts';
import { inBatches } from '../in-batches.ts';
import { findManifest, type Manifest, OBJECT_LIST, OBJECTS, OWN_NAMES, SECRET, TABLES, writeManifest } from './archive.ts';
import { copyObject, type Way } from './copy-object.ts';
import { type LineFile, writeLines } from './line-file.ts';

/** What is exported. */
export interface House extends Pick<Context, 'store' | 'objects' | 'clock'> {
  /** The server's own. */
  readonly secret: Uint8Array;
  /** Of the program. */
  readonly version: string;
}

/** What has been copied so far. */
export interface Copied {
  readonly what: string;
  readonly bytes: number;
  readonly totalBytes?: number;
}

export interface ArchiveOptions {
  /** The folder. */
  readonly dir: string;
  onProgress(copied: Copied): void;
}

const OBJECTS_AT_ONCE = 8;

/** Writes the archive; nobody else may change the installation meanwhile. */
export async function exportArchive(house: House, { dir, onProgress }: ArchiveOptions): Promise<Manifest> {
  await takeFolder(dir);
  await writeLines(join(dir, SECRET), [`hex:${Buffer.from(house.secret).toString('hex')}`]);
  const tables = await writeTables(house, dir);
  const way = { from: house.objects, to: await openObjectStore(`file:${join(dir, OBJECTS)}`) };
  let objectBytes = 0;
  const objects = await writeLines(
    join(dir, OBJECT_LIST),
    copyObjects(way, (bytes) => {
      objectBytes += bytes;
      onProgress({ what: '↓ objects', bytes: objectBytes });
    }),
  );
  await writeManifest(dir, {
    id: makeId(24),
    version: house.version,
    madeAt: house.clock.now().toISOString(),
    migrations: Object.keys(MIGRATIONS),
    tables,
    objects: { ...objects, objectBytes },
    left: LEFT_TABLES,
  });
  const manifest = await findManifest(dir);
  if (manifest === undefined) throw new Error('The manifest was written just now, and is gone.');
  return manifest;
}

async function writeTables({ store }: House, dir: string): Promise<Manifest['tables']> {
  const tables: (LineFile & { readonly name: string })[] = [];
  await readTables(store.db, async (name, lines) => {
    tables.push({ name, ...(await writeLines(join(dir, TABLES, `${name}.jsonl`), lines)) });
  });
  await syncPath(join(dir, TABLES));
  return tables;
}

async function* copyObjects(way: Way, onBytes: (bytes: number) => void): AsyncGenerator<string> {
  for await (const batch of inBatches(way.from.list(''), OBJECTS_AT_ONCE)) {
    const copied = await Promise.all(batch.map((object) => copyObject(way, object)));
    for (const object of copied) {
      onBytes(object.bytes);
      yield JSON.stringify(object);
    }
  }
}

/** A new folder, an empty one, or one in which an export was cut short. */
async function takeFolder(dir: string): Promise<void> {
  for (const folder of [TABLES, OBJECTS]) await mkdir(join(dir, folder), { recursive: true, mode: 0o700 });
  const others = (await readdir(dir)).filter((name) => !OWN_NAMES.includes(name));
  if (others.length === 0) return;
  throw new Problem('ALREADY_EXISTS', `${dir} should be new or empty, but there is ${others[0]} in it. Name another folder.`, {
    reason: 'ARCHIVE_EXISTS',
    details: { dir },
  });
}
