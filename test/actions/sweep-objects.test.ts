import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sweepObjects } from '../../src/actions/sweep-objects.ts';
import { findJob } from '../../src/db/queries/find-job.ts';
import { finishJob } from '../../src/db/queries/finish-job.ts';
import { startPlannedJob } from '../../src/db/queries/start-planned-job.ts';
import { makeModelKey, makeUploadKey, outputKey, partKey, planKey } from '../../src/jobs/object-keys.ts';
import { openDoor } from '../api/door.ts';

const HOUR = 3600_000;
let door: Awaited<ReturnType<typeof openDoor>>;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

const put = async (key: string) => {
  await door.context.objects.put(key, Buffer.from('x'));
  return key;
};
const makeJob = async (id: string) => {
  await door.askJson(`/v1/accounts/acme/batchInferenceJobs?batchInferenceJobId=${id}`, {
    body: { model: 'tickets', inputDatasetId: 'in', outputDatasetId: `${id}-out` },
  });
  return (await findJob(door.context.store.db, 'acme', id))?.uid ?? '';
};

test('what nobody owns goes, and what somebody owns or may be writing stays', async () => {
  await door.makeDataset('in');
  const owned = await door.objectKeys();
  const orphan = await put(makeUploadKey(door.clock.now()));
  const writing = await makeJob('writing');
  const ended = await makeJob('ended');
  const kept = [await put(planKey(writing)), await put(outputKey(writing, 'error-data')), await put(partKey(ended, 'a'))];
  const results = await put(outputKey(ended, 'BIJOutputSet.jsonl'));
  await startPlannedJob(door.context.store, ended, {
    totalRows: 0,
    inputRows: 0,
    rowFormat: 'fireworks',
    planKey: 'x',
    shards: [],
  });
  const file = { name: 'BIJOutputSet.jsonl', objectKey: results, bytes: 1, rows: 1, sha256: 'x' };
  await finishJob(door.context.store, ended, { files: [file], at: door.clock.now() });
  const leftovers = [
    await put(outputKey(ended, 'error-data')),
    await put(partKey(randomUUID(), 'b')),
    await put(outputKey(randomUUID(), 'c')),
  ];

  expect(await sweepObjects(door.context)).toBe(leftovers.length);
  expect(await door.objectKeys()).toEqual([...owned, ...kept, results, orphan].toSorted());
  door.clock.time += 25 * HOUR;
  expect(await sweepObjects(door.context)).toBe(1);
  expect(await door.objectKeys()).toEqual([...owned, ...kept, results].toSorted());
  expect(await sweepObjects(door.context)).toBe(0);
});

test("of models' files those stay that a model has, and those that may be on their way", async () => {
  const before = await door.objectKeys();
  const body = { modelId: 'm', model: { kind: 'CUSTOM_MODEL' } };
  await door.askJson('/v1/accounts/acme/models', { body });
  const links = await door.askJson('/v1/accounts/acme/models/m:getUploadEndpoint', {
    body: { filenameToSize: { 'm.gguf': '4' } },
  });
  const url = (links.body.filenameToSignedUrls['m.gguf'] ?? '').replace('http://boatload.test', '');
  expect((await door.app.request(url, { method: 'PUT', body: 'GGUF' })).status).toBe(200);
  const owned = await door.objectKeys();
  expect(owned.length).toBe(before.length + 1);
  await put(makeModelKey(randomUUID(), door.clock.now()));
  expect(await sweepObjects(door.context)).toBe(0);
  door.clock.time += 25 * HOUR;
  expect(await sweepObjects(door.context)).toBe(1);
  expect(await door.objectKeys()).toEqual(owned);
});
