/** The run's own folder: for nobody else's eyes, and gone in one step. */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { toWriteProblem } from '../storage/disk-problem.ts';

/** Makes it where it isn't there; what a removal that was cut off left behind goes. */
export async function makeRunFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw toWriteProblem(cause, dirname(folder));
  });
  const beside = dirname(folder);
  const doomed = (await readdir(beside)).filter((name) => name.startsWith(doomedName(basename(folder), '')));
  for (const name of doomed) await rm(join(beside, name), { recursive: true, force: true });
}

/** Renamed first, so that a kill in the middle leaves no folder that looks like a run. */
export async function removeRunFolder(folder: string): Promise<void> {
  const doomed = doomedName(folder, String(process.pid));
  await rename(folder, doomed);
  await rm(doomed, { recursive: true, force: true });
}

const doomedName = (folder: string, pid: string): string => `${folder}.done-${pid}`;
