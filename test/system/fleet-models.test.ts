/** The models of the library in a fleet, on a real PostgreSQL: a worker without a database runs them, too. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { TICKETS_MODEL } from '../support/models.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { makeRows } from '../support/rows.ts';
import { type Fleet, openFleet, readOutput, untilOver } from './fleet-room.ts';

const ROWS = 40;
/** With this much memory no model can be loaded. */
const NO_MEMORY = { BOATLOAD_MODEL_MEMORY_BYTES: '1' };

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres?.stop());

const OK = { status: 200 };

async function sendModel({ ask }: Fleet, id: string): Promise<void> {
  const bytes = readFileSync(TICKETS_MODEL);
  const model = { kind: 'HF_BASE_MODEL', baseModelDetails: { checkpointFormat: 'NATIVE' } };
  expect(await ask('POST', 'models', { modelId: id, model })).toMatchObject(OK);
  const told = await ask('POST', `models/${id}:getUploadEndpoint`, { filenameToSize: { 'm.gguf': String(bytes.length) } });
  const { filenameToSignedUrls } = (await told.json()) as { readonly filenameToSignedUrls: Record<string, string> };
  expect(await fetch(filenameToSignedUrls['m.gguf'] ?? '', { method: 'PUT', body: bytes })).toMatchObject(OK);
  expect(await ask('GET', `models/${id}:validateUpload`)).toMatchObject(OK);
}

test('a worker without a database runs a job on a model that came after its start', async () => {
  const fleet = await openFleet({ database: await postgres.makeDatabase() });
  // This one plans and merges, and has no room for the rows.
  await fleet.start('worker', { env: NO_MEMORY });
  const away = { DATABASE_URL: '', BOATLOAD_DATA_DIR: await makeFolder() };
  const worker = await fleet.start('worker', { args: ['--through', fleet.api.url], env: away });
  await sendModel(fleet, 'late');
  await fleet.ask('POST', 'datasets', { datasetId: 'in', dataset: { userUploaded: {} } });
  const form = new FormData();
  form.set('file', new Blob([makeRows(ROWS)]), 'in.jsonl');
  expect(await fleet.ask('POST', 'datasets/in:upload', form)).toMatchObject(OK);
  const wish = { model: 'late', inputDatasetId: 'in', outputDatasetId: 'out', inferenceParameters: { maxTokens: 8 } };
  expect(await fleet.ask('POST', 'batchInferenceJobs?batchInferenceJobId=job', wish)).toMatchObject(OK);
  await worker.says(/"engine":"llama.cpp late".*engine started/);
  expect(await untilOver(fleet)).toMatchObject({
    state: 'JOB_STATE_COMPLETED',
    jobProgress: { totalInputRequests: ROWS, successfullyProcessedRequests: ROWS, failedRequests: 0 },
  });
  const answers = await readOutput(fleet);
  expect(answers).toHaveLength(ROWS);
  expect(new Set(answers.map(({ custom_id }) => custom_id)).size).toBe(ROWS);
  worker.signal('SIGTERM');
  expect((await worker.ended).code).toBe(0);
});
