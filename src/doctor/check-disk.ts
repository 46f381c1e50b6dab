/** Room and speed of the disk under the data folder, and of a shared folder of objects. */
import { randomUUID } from 'node:crypto';
import { access, constants, open, statfs, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { toWriteProblem } from '../storage/disk-problem.ts';
import { isErrno } from '../storage/errno.ts';
import { fault, inUnits, toFault, warning, well } from './observe.ts';
import type { Observation, Patient } from './patient.ts';

/** The embedded database takes 80 MB before the first row. */
const FULL_BYTES = 128 * 2 ** 20;
const LOW_BYTES = 2 * 2 ** 30;
/** Finished rows are synced within 30 ms; a disk that takes longer holds them up. */
const SLOW_SYNC_MS = 30;
const SYNCS = 15;
const BLOCK = Buffer.alloc(4_096, 7);

/** File systems whose contents are gone after a restart, by statfs's number. */
const VOLATILE: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

/** Looks at the folder, or where it isn't there yet at the one that it would be made in. */
export async function checkDisk({ dataDir }: Patient): Promise<readonly Observation[]> {
  const folder = await nearest(resolve(dataDir));
  try {
    return await lookAt(folder);
  } catch (cause) {
    return [toFault(toWriteProblem(cause, folder))];
  }
}

async function lookAt(folder: string): Promise<readonly Observation[]> {
  await access(folder, constants.W_OK);
  const { bavail, bsize, type } = await statfs(folder);
  const freeBytes = bavail * bsize;
  const details = { folder, freeBytes };
  if (freeBytes < FULL_BYTES) return [full(details)];
  const syncMs = await measureSync(folder);
  const message = `${inUnits(freeBytes)} are free in ${folder}, and a sync takes ${syncMs.toFixed(1)} ms`;
  const complaints = [
    ...(freeBytes < LOW_BYTES ? [low(details)] : []),
    ...(syncMs > SLOW_SYNC_MS ? [slow({ ...details, syncMs })] : []),
    ...(VOLATILE.has(type) ? [isVolatile(details)] : []),
  ];
  return complaints.length > 0 ? complaints : [well(message, { ...details, syncMs })];
}

async function nearest(folder: string): Promise<string> {
  const isThere = await statfs(folder).then(
    () => true,
    (cause: unknown) => !isErrno(cause, 'ENOENT'),
  );
  return isThere || dirname(folder) === folder ? folder : nearest(dirname(folder));
}

/** The middle of several, in milliseconds. The file has no name any more when it is written: whatever happens, nothing stays. */
async function measureSync(folder: string): Promise<number> {
  const path = join(folder, `.boatload-doctor-${randomUUID()}`);
  await using file = await open(path, 'wx', 0o600);
  await unlink(path);
  const times: number[] = [];
  for (let sync = 0; sync < SYNCS; sync++) {
    const began = performance.now();
    await file.write(BLOCK);
    await file.datasync();
    times.push(performance.now() - began);
  }
  return times.toSorted((one, other) => one - other)[Math.floor(SYNCS / 2)] ?? 0;
}

type Facts = Readonly<Record<string, unknown>> & { readonly folder: string; readonly freeBytes: number };

const full = (details: Facts): Observation =>
  fault({
    code: 'DISK_FULL',
    message: `The disk of ${details.folder} is full: ${inUnits(details.freeBytes)} are free.`,
    remedy: 'Free some space, or choose a folder on another disk: --data-dir …',
    details,
  });

const low = (details: Facts): Observation =>
  warning({
    code: 'DISK_LOW',
    message: `Only ${inUnits(details.freeBytes)} are free in ${details.folder}.`,
    remedy: 'A job needs its input, and its results twice: free some space before large ones.',
    details,
  });

const slow = (details: Facts & { readonly syncMs: number }): Observation =>
  warning({
    code: 'DISK_SLOW',
    message: `A sync in ${details.folder} takes ${details.syncMs.toFixed(0)} ms: finished rows wait for it.`,
    remedy: 'Choose a local disk, or one that nothing else keeps busy: --data-dir …',
    details,
  });

const isVolatile = (details: Facts): Observation =>
  warning({
    code: 'DISK_VOLATILE',
    message: `${details.folder} is in memory: what is in it is gone after a restart of the machine.`,
    remedy: 'Choose a folder on a disk: --data-dir …',
    details,
  });
