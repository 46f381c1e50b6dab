/** Models whose loading hangs: a child that really stands still. */
import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { ModelCache } from '../../src/shelf/model-cache.ts';
import { makeModelTrial } from '../../src/shelf/model-trial.ts';
import { openDiskStore } from '../../src/storage/disk.ts';
import { makeFolder } from '../support/folder.ts';
import { TICKETS_MODEL } from '../support/models.ts';

const TRIAL = { accountId: 'acme', file: { name: 'm.gguf', bytes: 1, objectKey: 'models/m', sha256: 'a' } };
const started: ChildProcess[] = [];

/** The first child stands still as soon as it is there. */
function stopFirst(message: unknown): void {
  const { process: child } = message as { process: ChildProcess };
  if (started.push(child) === 1) child.once('spawn', () => child.kill('SIGSTOP'));
}
afterEach(() => {
  unsubscribe('child_process', stopFirst);
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

async function openTrial(options: { readonly loadMs: number; readonly patienceMs: number }) {
  const folder = await makeFolder();
  const objects = await openDiskStore(folder);
  await objects.put(TRIAL.file.objectKey, readFileSync(TICKETS_MODEL));
  subscribe('child_process', stopFirst);
  const cache = new ModelCache(objects, folder);
  return makeModelTrial({ cache, weightsOf: async () => undefined, runsElsewhere: false, ...options });
}

test('a model that does not load in time is refused by its name, and its process is gone', async () => {
  const tryModel = await openTrial({ loadMs: 300, patienceMs: 60_000 });
  const refusal = await tryModel(TRIAL).catch((cause: unknown) => cause);
  expect(refusal).toMatchObject({ code: 'DEADLINE_EXCEEDED', reason: 'MODEL_LOAD_TIMEOUT', details: { file: 'm.gguf' } });
  expect(String(refusal)).toMatch(/Problem: m\.gguf did not load within 1 s/);
  expect(started.map(({ signalCode }) => signalCode)).toEqual(['SIGKILL']);
});

test('while one hangs the next one is tried, and the one that hung may still come to its end', async () => {
  const tryModel = await openTrial({ loadMs: 110_000, patienceMs: 20 });
  const [hanging, other] = [tryModel(TRIAL), tryModel(TRIAL)];
  expect(await Promise.race([other.then(() => 'other'), hanging.then(() => 'hanging')])).toBe('other');
  started[0]?.kill('SIGCONT');
  expect(await hanging).toEqual([]);
});
