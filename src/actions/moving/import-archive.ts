/** Brings an archive into an empty installation: first the objects, then all rows at once. Cut short it can be repeated; until then nobody can use the place. */
import { join } from 'node:path';
import { Problem } from '../../base/problem.ts';
import { MIGRATIONS } from '../../db/migrations/migrations.ts';
import { type LoadedTable, loadTables } from '../../db/moving/load-tables.ts';
import { MOVED_TABLES } from '../../db/moving/moved-tables.ts';
import { openObjectStore } from '../../storage/open-object-store.ts';
import type { Context } from '../context.ts';
import { inBatches } from '../in-batches.ts';
import {
  archiveTooNew,
  damaged,
  findManifest,
  LISTED_OBJECT,
  type ListedObject,
  MANIFEST,
  type Manifest,
  OBJECT_LIST,
  OBJECTS,
  parseJson,
  TABLES,
} from './archive.ts';
import { copyListedObject } from './copy-object.ts';
import type { ArchiveOptions } from './export-archive.ts';
import { type LineFile, readLines } from './line-file.ts';

/** Reads what an archive says of itself; refuses one that is not whole, or of a newer version. */
export async function openArchive(dir: string): Promise<Manifest> {
  const manifest = await findManifest(dir);
  if (manifest === undefined) throw notWhole(dir);
  if (manifest.migrations.some((name) => !(name in MIGRATIONS))) throw archiveTooNew();
  // Names become paths and parts of statements.
  const names = manifest.tables.map(({ name }) => name);
  if (names.some((name, at) => !MOVED_TABLES.includes(name) || names.indexOf(name) !== at)) throw damaged(MANIFEST);
  return manifest;
}

/** The place must have been begun with (`db/moving/begin-import.ts`). */
export async function importArchive(
  { store, objects }: Pick<Context, 'store' | 'objects'>,
  manifest: Manifest,
  options: ArchiveOptions,
): Promise<void> {
  await copyObjects(objects, manifest, options);
  options.onProgress({ what: '↑ tables', bytes: 0 });
  const tables = manifest.tables.map((table) => openTable(options.dir, table));
  await loadTables(store, { migrations: manifest.migrations, tables });
}

const OBJECTS_AT_ONCE = 8;

async function copyObjects(to: Context['objects'], { objects }: Manifest, { dir, onProgress }: ArchiveOptions): Promise<void> {
  const from = await openObjectStore(`file:${join(dir, OBJECTS)}`);
  let bytes = 0;
  for await (const batch of inBatches(listObjects(dir, objects), OBJECTS_AT_ONCE)) {
    await Promise.all(batch.map((object) => copyListedObject({ from, to }, object)));
    for (const object of batch) bytes += object.bytes;
    onProgress({ what: '↑ objects', bytes, totalBytes: objects.objectBytes });
  }
}

async function* listObjects(dir: string, file: LineFile): AsyncGenerator<ListedObject> {
  for await (const line of readLines(join(dir, OBJECT_LIST), file, () => damaged(OBJECT_LIST))) yield toListed(line);
}

function toListed(line: string): ListedObject {
  const { data } = LISTED_OBJECT.safeParse(parseJson(line));
  if (data === undefined) throw damaged(OBJECT_LIST);
  return data;
}

function openTable(dir: string, { name, ...file }: Manifest['tables'][number]): LoadedTable {
  const path = join(TABLES, `${name}.jsonl`);
  return { name, batches: toArrays(readLines(join(dir, path), file, () => damaged(path))) };
}

const BATCH_CHARACTERS = 1024 * 1024;

/** JSON arrays of about so many characters. */
async function* toArrays(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let [batch, characters]: [string[], number] = [[], 0];
  for await (const line of lines) {
    batch.push(line);
    characters += line.length;
    if (characters < BATCH_CHARACTERS) continue;
    yield `[${batch.join()}]`;
    [batch, characters] = [[], 0];
  }
  if (batch.length > 0) yield `[${batch.join()}]`;
}

const notWhole = (dir: string): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `${dir} is no whole archive: it has no manifest.json, which is written last. Repeat the export, or name its folder.`,
    { reason: 'ARCHIVE_NOT_WHOLE', details: { dir } },
  );
