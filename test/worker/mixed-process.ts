/**
 * A machine room with two models behind one HTTP engine, in a process of its own that runs one job and is killed on the way:
 * `node mixed-process.ts <folder> <engine url> <rows>` kills itself, as kill -9 does, when so many rows are finished. The other model's engine can be
 * opened once there is a file `open` in the folder. Says in the end, as JSON, what the job came to.
 */
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createDataset } from '../../src/actions/create-dataset.ts';
import { createJob } from '../../src/actions/create-job.ts';
import { receiveUpload } from '../../src/actions/receive-upload.ts';
import { Problem } from '../../src/base/problem.ts';
import { ensureAccount } from '../../src/db/queries/ensure-account.ts';
import { findJob } from '../../src/db/queries/find-job.ts';
import { listDatasetFiles } from '../../src/db/queries/list-dataset-files.ts';
import { sumProgress } from '../../src/db/queries/sum-progress.ts';
import { sumUsage } from '../../src/db/queries/sum-usage.ts';
import { openUpstream } from '../../src/engines/upstream.ts';
import { isFinal } from '../../src/jobs/states.ts';
import { openMachine } from '../../src/machine.ts';
import { embeddedPlaces } from '../../src/places.ts';
import { makeModelShelf, type ShelvedModel } from '../../src/shelf/model-shelf.ts';

const [folder = '', url = '', killAt = ''] = process.argv.slice(2);
const caller = { accountId: 'acme', name: 'acme' };

const shelved = (id: string, isThere: () => boolean): ShelvedModel => ({
  name: `accounts/acme/models/${id}`,
  served: true,
  precision: 'PRECISION_UNSPECIFIED',
  async open() {
    if (!isThere()) throw new Problem('UNAVAILABLE', `${id} is not there yet.`, { reason: 'ENGINE_UNREACHABLE' });
    return { engine: openUpstream({ baseUrl: url }), model: { id } };
  },
});
const models = [shelved('first', () => true), shelved('other', () => existsSync(join(folder, 'open')))];

const machine = await openMachine({
  places: await embeddedPlaces(join(folder, 'data')),
  models: makeModelShelf(models, { concurrency: 4 }),
  log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  bareRows: false,
  workerLimits: { shardRows: 40 },
});
const { context, worker } = machine;
const { db } = context.store;

async function beginJob() {
  await ensureAccount(db, { id: caller.accountId });
  await createDataset(context, caller, { id: 'input' });
  await receiveUpload(context, caller, {
    datasetId: 'input',
    filename: 'in.jsonl',
    body: createReadStream(join(folder, 'in.jsonl')),
  });
  return createJob(context, caller, { id: 'mixed', inputDataset: 'input', settings: {}, endpoint: '/v1/chat/completions' });
}

const job = (await findJob(db, caller.accountId, 'mixed')) ?? (await beginJob());
await worker.start();
for (;;) {
  const { ok, failed } = await sumProgress(db, job.uid);
  if (killAt !== '' && ok + failed + (worker.live(job.uid)?.ok ?? 0) >= Number(killAt)) process.kill(process.pid, 'SIGKILL');
  const now = await findJob(db, caller.accountId, 'mixed');
  if (now === undefined || isFinal(now.state)) break;
  await delay(5);
}
const borders = [new Date(0), new Date('2100-01-01T00:00:00Z')];
const usage = await sumUsage(db, { accountId: caller.accountId, borders, group: 'model' });
const files = await listDatasetFiles(db, caller.accountId, job.outputDatasetId);
const texts = await Promise.all(
  files.map(async ({ name, objectKey }) => [name, (await context.objects.read(objectKey)).toString()]),
);
const { state } = (await findJob(db, caller.accountId, 'mixed')) ?? job;
await machine.close();
console.log(JSON.stringify({ state, usage, files: Object.fromEntries(texts) }));
