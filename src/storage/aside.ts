/** Files that are being written, aside from the objects until they are whole. */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive } from './is-alive.ts';

/** Tells our files aside from those of a process that had our number before us. */
const LIFE = randomBytes(6).toString('hex');
let written = 0;

/** A new path in the folder, that says who writes there. */
export function nameAside(folder: string): string {
  written += 1;
  return join(folder, `${process.pid}-${LIFE}-${written}`);
}

/** Makes a file, lets it be filled, and syncs its bytes. */
export async function writeAside(path: string, fill: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await fill(file);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Removes what processes left that no longer live. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const [pid, life] = name.split('-');
    const isOurs = life === LIFE;
    const isAnother = Number(pid) !== process.pid && isAlive(Number(pid));
    if (!isOurs && !isAnother) await rm(join(folder, name), { force: true });
  }
}
