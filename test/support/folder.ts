/** A folder of a test's own, gone when the test is over. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Makes it; to be called inside a test. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'boatload-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
