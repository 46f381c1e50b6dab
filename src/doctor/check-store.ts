/** The object store of a fleet: whether an object can be written, read and deleted there, and how long that takes. */
import { randomBytes, randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { readText } from '../settings/settings.ts';
import { openObjectStore } from '../storage/open-object-store.ts';
import { readS3ClockAhead } from '../storage/s3-clock.ts';
import { fault, warning, well } from './observe.ts';
import type { Observation, Patient } from './patient.ts';

const SLOW_MS = 1_000;
/** Amazon and others refuse a signature that is 15 minutes off. */
const CLOCK_OFF_MS = 60_000;
const BYTES = 4_096;

/** One machine keeps its objects in its folder, which is the disk's matter. */
export async function checkStore({ settings }: Patient): Promise<readonly Observation[]> {
  const url = readText(settings, 'OBJECT_STORE');
  if (url === undefined) return [];
  const folder = toFolder(url);
  if (folder !== undefined && !(await isFolder(folder))) return [noFolder(folder)];
  const times = await tryStore(url);
  const complaints = [...judgeSpeed(times), ...(folder === undefined ? judgeClock(await readS3ClockAhead(url)) : [])];
  if (complaints.length > 0) return complaints;
  const message = `an object was written in ${inMs(times.putMs)}, read in ${inMs(times.readMs)} and deleted in ${inMs(times.deleteMs)}`;
  return [well(message, { ...times })];
}

const inMs = (ms: number): string => `${ms.toFixed(0)} ms`;

const toFolder = (url: string): string | undefined => {
  if (!url.startsWith('file:')) return undefined;
  return url.startsWith('file://') ? fileURLToPath(url) : url.slice('file:'.length);
};

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

interface Times {
  readonly putMs: number;
  readonly readMs: number;
  readonly deleteMs: number;
}

/** Leaves nothing there. */
async function tryStore(url: string): Promise<Times> {
  const store = await openObjectStore(url);
  const key = `doctor-${randomUUID()}`;
  const bytes = randomBytes(BYTES);
  const deleted = { ms: 0 };
  try {
    const putMs = await measure(() => store.put(key, bytes));
    let came: Uint8Array = bytes;
    const readMs = await measure(async () => {
      came = await store.read(key);
    });
    if (!bytes.equals(came)) throw new Error('the store gave back other bytes than it was given');
    deleted.ms = await measure(() => store.delete([key]));
    return { putMs, readMs, deleteMs: deleted.ms };
  } finally {
    if (deleted.ms === 0) await store.delete([key]).catch(() => undefined);
  }
}

async function measure(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await act();
  return performance.now() - began;
}

function judgeSpeed(times: Times): readonly Observation[] {
  const slowestMs = Math.max(times.putMs, times.readMs, times.deleteMs);
  if (slowestMs <= SLOW_MS) return [];
  const message = `The store took ${inMs(slowestMs)} for an object of ${BYTES} bytes.`;
  const remedy = 'Choose a store near the processes: each commit of rows waits for one object.';
  return [warning({ code: 'STORE_SLOW', message, remedy, details: { ...times } })];
}

function judgeClock(aheadMs: number | undefined): readonly Observation[] {
  if (aheadMs === undefined || Math.abs(aheadMs) <= CLOCK_OFF_MS) return [];
  const message = `The clocks of this machine and of the store differ by ${Math.round(Math.abs(aheadMs) / 1000)} s; many stores refuse 15 minutes.`;
  return [warning({ code: 'CLOCK_OFF', message, remedy: 'Let both machines set their clocks by NTP.', details: { aheadMs } })];
}

const noFolder = (folder: string): Observation =>
  fault({
    code: 'STORE_FOLDER_MISSING',
    message: `OBJECT_STORE names ${folder}, which is no folder here.`,
    remedy: 'Make it, or mount the disk that all processes share.',
    details: { folder },
  });
