import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDiskStore } from '../../src/storage/disk.ts';
import { openOutputFile } from '../../src/worker/output-file.ts';
import { makeFolder } from '../support/folder.ts';

test('a file that fails before anybody reads what was written ends nothing but itself', async () => {
  const objects = await openDiskStore(join(await makeFolder(), 'objects'));
  const heard: unknown[] = [];
  const hear = (cause: unknown): void => void heard.push(cause);
  process.on('uncaughtException', hear);
  try {
    await openOutputFile(objects, { jobUid: 'a-job', name: 'results.jsonl' }).fail(new Error('The job was stopped.'));
    await new Promise(setImmediate);
  } finally {
    process.off('uncaughtException', hear);
  }
  expect(heard).toEqual([]);
});
