/** Upkeep: objects that nobody owns and nobody will, left where a process died between an object and the row that names it. */
import { listOwnedObjects } from '../db/queries/list-owned-objects.ts';
import { listStates } from '../db/queries/list-states.ts';
import {
  JOBS_PREFIX,
  jobUidOf,
  MODELS_PREFIX,
  OUTPUTS_PREFIX,
  PIECES_PREFIX,
  readPieceKey,
  UPLOADS_PREFIX,
  uploadKeyTime,
} from '../jobs/object-keys.ts';
import { isFinal } from '../jobs/states.ts';
import type { Context } from './context.ts';
import { inBatches } from './in-batches.ts';

/** An upload takes as long as it takes: what is younger may still be on its way. */
const UPLOAD_MS = 24 * 3600 * 1000;
/** A file that comes piece by piece can be gone on with for so long. */
const PIECES_MS = 7 * UPLOAD_MS;
const AT_ONCE = 500;

type SweepContext = Pick<Context, 'store' | 'objects' | 'clock'>;

/** Deletes them; answers how many there were. Safe to repeat, to interrupt, and to do in several processes at once. */
export async function sweepObjects(context: SweepContext): Promise<number> {
  const nowMs = context.clock.now().getTime();
  const before = nowMs - UPLOAD_MS;
  const unownedUploads = (keys: readonly string[]) =>
    unownedFiles(
      context,
      keys.filter((key) => uploadKeyTime(key).getTime() < before),
    );
  return (
    (await sweep(context, UPLOADS_PREFIX, unownedUploads)) +
    (await sweep(context, MODELS_PREFIX, unownedUploads)) +
    (await sweep(context, PIECES_PREFIX, async (keys) =>
      keys.filter((key) => readPieceKey(key).begunAt.getTime() < nowMs - PIECES_MS),
    )) +
    (await sweep(context, OUTPUTS_PREFIX, (keys) => unownedOutputs(context, keys))) +
    (await sweep(context, JOBS_PREFIX, (keys) => ofGoneJobs(context, keys)))
  );
}

async function sweep(
  { objects }: SweepContext,
  prefix: string,
  findUnowned: (keys: readonly string[]) => Promise<readonly string[]>,
): Promise<number> {
  let swept = 0;
  for await (const batch of inBatches(objects.list(prefix), AT_ONCE)) {
    const unowned = await findUnowned(batch.map(({ key }) => key));
    await objects.delete(unowned);
    swept += unowned.length;
  }
  return swept;
}

const unownedFiles = async ({ store }: SweepContext, keys: readonly string[]): Promise<readonly string[]> => {
  const owned = await listOwnedObjects(store.db, keys);
  return keys.filter((key) => !owned.has(key));
};

/** A job that has not ended may be writing them at this moment. Asked for first: it may end in between, and then it owns them. */
async function unownedOutputs(context: SweepContext, keys: readonly string[]): Promise<readonly string[]> {
  const states = await listStates(context.store.db, uidsOf(keys));
  return unownedFiles(
    context,
    keys.filter((key) => {
      const state = states.get(jobUidOf(key));
      return state === undefined || isFinal(state);
    }),
  );
}

async function ofGoneJobs({ store }: SweepContext, keys: readonly string[]): Promise<readonly string[]> {
  const states = await listStates(store.db, uidsOf(keys));
  return keys.filter((key) => !states.has(jobUidOf(key)));
}

const uidsOf = (keys: readonly string[]): readonly string[] => [...new Set(keys.map(jobUidOf))];
