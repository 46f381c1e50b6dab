/** How long a model may take to load: whoever waits for a child that hangs would wait for ever. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Problem } from '../../base/problem.ts';

const LEAST_MS = 120_000;
/** A slow disk over a network. */
const BYTES_PER_MS = (16 * 2 ** 20) / 1000;

/** The limit where nobody has set one: two minutes, and a second for every 16 MiB of the file. */
export async function usualLoadMs(path: string): Promise<number> {
  const size = await stat(path).then(
    (file) => file.size,
    () => 0, // Loading will say that it is gone.
  );
  return LEAST_MS + Math.ceil(size / BYTES_PER_MS);
}

/** What is said of a child that was ended for it. */
export const loadedTooLong = (path: string, limitMs: number): Problem =>
  new Problem(
    'DEADLINE_EXCEEDED',
    `${basename(path)} did not load within ${Math.ceil(limitMs / 1000)} s, and its process was ended. Check the disk that it lies on and the load of this machine, or allow more: BOATLOAD_MODEL_LOAD_SECONDS.`,
    { reason: 'MODEL_LOAD_TIMEOUT' },
  );
