/**
 * An archive: a whole installation as plain files in a folder, to be read in ten years with anything.
 *
 *     manifest.json    what is in it, with counts and SHA-256; written last, so that without it an archive is not whole
 *     tables/*.jsonl   the rows, one a line, a file for each table
 *     objects/…        the objects as they are; their keys are the paths
 *     objects.jsonl    key, bytes and sha256 of each
 *     secret           what webhooks sign with, as `BOATLOAD_SECRET` takes it
 */
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { syncPath } from '../../db/embedded/sync-tree.ts';
import { writeLines } from './line-file.ts';

export const MANIFEST = 'manifest.json';
export const OBJECTS = 'objects';
export const OBJECT_LIST = 'objects.jsonl';
export const TABLES = 'tables';
export const SECRET = 'secret';
/** All that a folder may hold whose export was cut short. */
export const OWN_NAMES: readonly string[] = [OBJECTS, OBJECT_LIST, TABLES, SECRET, `${MANIFEST}.new`];

/** Counts up when archives are laid out in another way. */
const LAYOUT = 1;

const COUNT = z.number().int().nonnegative();
const LINE_FILE = z.object({ rows: COUNT, bytes: COUNT, sha256: z.string() });

const MANIFEST_SCHEMA = z.object({
  /** How the archive is laid out. */
  boatloadArchive: z.number().int(),
  /** Tells archives apart. */
  id: z.string().regex(/^[a-z0-9]+$/),
  /** Of the program that made it. */
  version: z.string(),
  madeAt: z.string(),
  /** Migrations that had run. */
  migrations: z.array(z.string()),
  /** In the order in which they are to be loaded. */
  tables: z.array(LINE_FILE.extend({ name: z.string() })),
  /** The list of objects, and their bytes together. */
  objects: LINE_FILE.extend({ objectBytes: COUNT }),
  /** Tables that were left behind, and why. */
  left: z.record(z.string(), z.string()),
});

export type Manifest = Readonly<z.infer<typeof MANIFEST_SCHEMA>>;

/** An object, as the list names it. */
export const LISTED_OBJECT = z.object({ key: z.string(), bytes: COUNT, sha256: z.string() });
export type ListedObject = Readonly<z.infer<typeof LISTED_OBJECT>>;

/** Makes an archive whole. */
export async function writeManifest(dir: string, manifest: Omit<Manifest, 'boatloadArchive'>): Promise<void> {
  const text = JSON.stringify({ boatloadArchive: LAYOUT, ...manifest }, null, 2);
  await writeLines(join(dir, `${MANIFEST}.new`), [text]);
  await rename(join(dir, `${MANIFEST}.new`), join(dir, MANIFEST));
  await syncPath(dir);
}

/** Undefined where there is none. */
export async function findManifest(dir: string): Promise<Manifest | undefined> {
  const text = await readFile(join(dir, MANIFEST), 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') throw cause;
  });
  if (text === undefined) return undefined;
  const given = parseJson(text);
  if (isNewer(given)) throw archiveTooNew();
  const { data } = MANIFEST_SCHEMA.safeParse(given);
  if (data === undefined) throw damaged(MANIFEST);
  return data;
}

const isNewer = (given: unknown): boolean => {
  const layout = z.object({ boatloadArchive: z.number() }).safeParse(given).data?.boatloadArchive;
  return layout !== undefined && layout > LAYOUT;
};

/** Undefined for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const archiveTooNew = (): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    'A newer version of Boatload has made this archive. Import it with that version, or a later one.',
    { reason: 'ARCHIVE_TOO_NEW' },
  );

export const damaged = (path: string): Problem =>
  new Problem(
    'DATA_LOSS',
    `${path} is not what it was when the archive was made. Copy the archive again from where it was made, or export anew.`,
    { reason: 'ARCHIVE_DAMAGED', details: { path } },
  );

const SECRET_TEXT = /^hex:[0-9a-f]{64}$/;

/** The installation's secret, as it was written: one that was cut short would sign with what anybody can guess. */
export async function readSecret(dir: string): Promise<string> {
  const text = await readFile(join(dir, SECRET), 'utf8').catch(() => '');
  if (!SECRET_TEXT.test(text.trim())) throw damaged(SECRET);
  return text.trim();
}
