/**
 * A client that nobody wrote: a public generator makes it of the served `/openapi.json`, and it runs the reference interaction. It checks
 * whatever comes back by the document's own schemas, so a reply that is not as documented fails here.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseLines } from '../../support/rows.ts';
import { type ContractServer, MODEL, type Reply, rowOf, startContractServer } from './server.ts';

const run = promisify(execFile);
const PACKAGES = ['@hey-api/openapi-ts@0.99.0', 'typescript@5.9.3', 'zod@4.6.7'];
const GENERATOR = {
  input: 'openapi.json',
  output: 'src',
  plugins: ['@hey-api/client-fetch', 'zod', { name: '@hey-api/sdk', validator: { response: 'zod' } }],
};
const COMPILER = {
  compilerOptions: {
    target: 'es2022',
    module: 'commonjs',
    outDir: 'built',
    strict: true,
    esModuleInterop: true,
    lib: ['es2023', 'dom', 'dom.iterable'],
    types: [],
  },
  include: ['src'],
};

const folder = mkdtempSync(join(tmpdir(), 'boatload-generated-'));
let server: ContractServer;
let sdk: Reply;
beforeAll(async () => {
  server = await startContractServer({ script: ({ marker }) => (marker === 'bad' ? { status: 400 } : undefined) });
  const document = await (await fetch(`${server.server.url}/openapi.json`)).text();
  writeFileSync(join(folder, 'openapi.json'), document);
  writeFileSync(join(folder, 'package.json'), '{}');
  writeFileSync(join(folder, 'openapi-ts.config.mjs'), `export default ${JSON.stringify(GENERATOR)};`);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(COMPILER));
  await run('npm', ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', ...PACKAGES], { cwd: folder });
  const node = (...args: string[]) => run(process.execPath, args, { cwd: folder });
  await node('node_modules/@hey-api/openapi-ts/bin/run.js');
  await node('node_modules/typescript/bin/tsc', '-p', '.');
  const load = createRequire(import.meta.url);
  sdk = load(join(folder, 'built/sdk.gen.js'));
  const { client } = load(join(folder, 'built/client.gen.js'));
  client.setConfig({ baseUrl: server.server.url, auth: server.server.apiKey, throwOnError: true });
});
afterAll(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

const account_id = '-';
const untilEnded = async (job_id: string): Promise<Reply> => {
  for (;;) {
    const { data } = await sdk.getBatchInferenceJob({ path: { account_id, job_id } });
    if (/COMPLETED|FAILED/.test(data.state)) return data;
  }
};

test('it prepares, starts, waits, downloads, continues and deletes', async () => {
  const created = await sdk.createDataset({
    path: { account_id },
    body: { datasetId: 'in-01', dataset: { userUploaded: {}, exampleCount: '2' } },
  });
  expect(created.data).toMatchObject({ state: 'UPLOADING', exampleCount: '2' });
  const file = new File([rowOf('good') + rowOf('bad')], 'rows.jsonl');
  const uploaded = await sdk.uploadDataset({ path: { account_id, dataset_id: 'in-01' }, body: { file } });
  expect(uploaded.data).toMatchObject({ object: 'file', filename: 'rows.jsonl', bytes: file.size });
  expect((await sdk.getDataset({ path: { account_id, dataset_id: 'in-01' } })).data.state).toBe('READY');

  const started = await sdk.createBatchInferenceJob({
    path: { account_id },
    query: { batchInferenceJobId: 'job-01' },
    body: { model: MODEL, inputDatasetId: 'in-01', outputDatasetId: 'out-01', inferenceParameters: { maxTokens: 8 } },
  });
  expect(started.data).toMatchObject({ state: 'JOB_STATE_VALIDATING', jobProgress: null });
  expect(await untilEnded('job-01')).toMatchObject({ state: 'JOB_STATE_COMPLETED', jobProgress: { failedRequests: 1 } });
  const { data: events } = await sdk.listBatchInferenceJobEvents({ path: { account_id, job_id: 'job-01' } });
  expect(events.events.length).toBeGreaterThan(3);

  const links = await sdk.getDatasetDownloadEndpoint({ path: { account_id, dataset_id: 'out-01' } });
  const answers = await fetch(links.data.filenameToSignedUrls['dataset/out-01/BIJOutputSet.jsonl']);
  expect(parseLines(await answers.text()).map(({ custom_id }) => custom_id)).toEqual(['good']);

  const body = { continuedFromJobName: 'job-01', outputDatasetId: 'out-02', model: 'echo' };
  await sdk.createBatchInferenceJob({ path: { account_id }, query: { batchInferenceJobId: 'job-02' }, body });
  expect(await untilEnded('job-02')).toMatchObject({ state: 'JOB_STATE_COMPLETED', jobProgress: { totalInputRequests: 1 } });
  const lineage = await sdk.getDatasetDownloadEndpoint({
    path: { account_id, dataset_id: 'out-02' },
    query: { downloadLineage: true },
  });
  expect(Object.keys(lineage.data.filenameToSignedUrls)).toHaveLength(4);

  const removed = await sdk.deleteBatchInferenceJob({ path: { account_id, job_id: 'job-01' } });
  expect(removed.data).toEqual({});
});

test('it goes the other way of uploading, and lists what there is', async () => {
  await sdk.createDataset({ path: { account_id }, body: { datasetId: 'signed', dataset: { userUploaded: {} } } });
  const text = rowOf('bad');
  const { data } = await sdk.getDatasetUploadEndpoint({
    path: { account_id, dataset_id: 'signed' },
    body: { filenameToSize: { 'a.jsonl': String(text.length) } },
  });
  await fetch(data.filenameToSignedUrls['a.jsonl'], { method: 'PUT', body: text });
  await sdk.validateDatasetUpload({ path: { account_id, dataset_id: 'signed' }, body: {} });
  const { data: preview } = await sdk.previewDataset({ path: { account_id, dataset_id: 'signed' } });
  expect(preview.totalCount).toBe(1);
  const query = { pageSize: 2 };
  const lists = ['listDatasets', 'listBatchInferenceJobs', 'listUsers', 'listQuotas', 'listAuditLogs'];
  for (const name of lists) expect((await sdk[name]({ path: { account_id }, query })).data.totalSize, name).toBeGreaterThan(0);
  expect((await sdk.listModels({ path: { account_id: 'fireworks' } })).data.totalSize).toBeGreaterThan(1);
  expect((await sdk.listAccounts({})).data.accounts).toHaveLength(1);
  expect((await sdk.getModel({ path: { account_id: 'fireworks', model_id: 'echo' } })).data.state).toBe('READY');
  expect((await sdk.listApiKeys({ path: { account_id, user_id: 'me' } })).data.apiKeys).toHaveLength(1);
});

test('it gets a failed job, its bad lines, and refusals as they are described', async () => {
  const file = new File(['{"custom_id":"a"}\n'], 'rows.jsonl');
  await sdk.createDataset({ path: { account_id }, body: { datasetId: 'in-bad', dataset: { userUploaded: {} } } });
  await sdk.uploadDataset({ path: { account_id, dataset_id: 'in-bad' }, body: { file } });
  const body = { model: MODEL, inputDatasetId: 'in-bad' };
  await sdk.createBatchInferenceJob({ path: { account_id }, query: { batchInferenceJobId: 'bad' }, body });
  expect(await untilEnded('bad')).toMatchObject({ state: 'JOB_STATE_FAILED', status: { code: 'INVALID_ARGUMENT' } });
  const report = await sdk.getBatchInferenceJobValidationReport({ path: { account_id, job_id: 'bad' } });
  expect(report.data).toMatchObject({ count: 1, badLines: [{ line: 1, reason: 'MISSING_BODY' }] });
  const { error } = await sdk.getDataset({ path: { account_id, dataset_id: 'nothing' }, throwOnError: false });
  expect(error).toMatchObject({ code: 5, details: [{ reason: 'DATASET_NOT_FOUND' }] });
  const { error: refused } = await sdk.getDataset({
    path: { account_id, dataset_id: 'in-01' },
    auth: 'wrong',
    throwOnError: false,
  });
  expect(refused).toMatchObject({ error: { code: 'UNAUTHORIZED' } });
});
