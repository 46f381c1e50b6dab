/** Files of this machine that are to be sent: one, or those of a folder. */
import { openAsBlob } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { Problem } from '../base/problem.ts';
import type { UploadFile } from '../client/upload.ts';

/** A file that is there and has something in it. */
export interface LocalFile {
  readonly path: string;
  /** As the server will know it: below the folder, with `/` between. */
  readonly name: string;
  readonly bytes: number;
}

/** The files of a dataset lie side by side. */
export const isRowFile = (name: string): boolean => name.endsWith('.jsonl') && !name.includes('/');

/** The file, or those in the folder whose names fit, in the order of their names. Refuses what is empty or no file at all. */
export async function findFiles(path: string, fits: (name: string) => boolean = () => true): Promise<readonly LocalFile[]> {
  const found = await stat(path).catch((cause: Error) => {
    throw new Problem('NOT_FOUND', `Can't read ${path}: ${cause.message}.`, { reason: 'FILE_NOT_FOUND', cause });
  });
  if (!found.isDirectory()) return [await checked(path, basename(path))];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .filter(fits)
    .toSorted();
  if (names.length === 0) throw unfit(path, 'has no file that could be sent');
  return Promise.all(names.map((name) => checked(join(path, name), name)));
}

async function checked(path: string, name: string): Promise<LocalFile> {
  const found = await stat(path);
  if (!found.isFile()) throw unfit(path, 'is not a regular file');
  if (found.size === 0) throw unfit(path, 'is empty');
  return { path, name, bytes: found.size };
}

/** Opens it for sending; it is read while it is sent. */
export const toUploadFile = async ({ path, name }: LocalFile): Promise<UploadFile> => ({ name, content: await openAsBlob(path) });

const unfit = (path: string, why: string): Problem =>
  new Problem('INVALID_ARGUMENT', `${path} ${why}.`, { reason: 'UNFIT_FILE' });
