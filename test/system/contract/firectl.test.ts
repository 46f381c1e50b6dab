/** `firectl`, as npm installs it, typed as scripts and the guide type it. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeFolder } from '../../support/folder.ts';
import { installProgram } from '../../support/installed.ts';
import { parseLines } from '../../support/rows.ts';
import { type ContractServer, MODEL, rowOf, SERVED_MODEL, startContractServer } from './server.ts';

/** Rows that the engine refuses for now. */
const refused = new Set<string>();
let server: ContractServer;
let firectl = '';
beforeAll(async () => {
  firectl = join((await installProgram()).home, 'node_modules/.bin/firectl');
  server = await startContractServer({ script: ({ marker }) => (refused.has(marker) ? { status: 400 } : undefined) });
});
afterAll(() => server?.close());

interface Typed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A home with keys in it, to type from. */
async function openHome(auth = `account_id = ${server.server.account}\napi_key = ${server.server.apiKey}\n`) {
  const home = await makeFolder();
  mkdirSync(join(home, '.fireworks'));
  writeFileSync(join(home, '.fireworks/auth.ini'), auth);
  const env = { PATH: process.env['PATH'], HOME: home, FIREWORKS_BASE_URL: server.server.url, NO_COLOR: '1' };
  const type = (words: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Typed> =>
    new Promise((resolve) => {
      execFile(firectl, words, { cwd: home, env: { ...env, ...more } }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  const typed = async (line: string, ...more: readonly string[]): Promise<string> => {
    const seen = await type([...line.split(' '), ...more]);
    expect(seen, line).toMatchObject({ code: 0 });
    return seen.stdout;
  };
  return { home, type, typed };
}

const FAILED = {
  code: 1,
  stdout: '',
  stderr: expect.stringMatching(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d Failed to execute: .+\n$/),
};

test("the guide's own commands: prepare, start, continue, download the lineage", async () => {
  const { home, type, typed } = await openHome();
  writeFileSync(join(home, 'batch_input_data.jsonl'), ['a', 'b', 'c'].map((id) => rowOf(id)).join(''));
  await typed('create dataset batch-input-dataset ./batch_input_data.jsonl');
  expect(await server.get('datasets/batch-input-dataset')).toMatchObject({ state: 'READY', exampleCount: '3' });
  refused.add('b');
  await typed(
    `create batch-inference-job --job-id original-job-id --model ${MODEL} --input-dataset-id batch-input-dataset`,
    '-x',
    'output-dataset-id',
  );
  await server.untilState('original-job-id', 'COMPLETED');
  refused.clear();
  const continued = await typed(
    `create batch-inference-job --continue-from original-job-id --model ${MODEL} --output-dataset-id new-output-dataset`,
  );
  const [, id = ''] = /^Name: accounts\/local\/batchInferenceJobs\/([a-z0-9]+)$/m.exec(continued) ?? [];
  expect(continued).toContain('Continued From Job Name: accounts/local/batchInferenceJobs/original-job-id\n');
  expect(await server.untilState(id, 'COMPLETED')).toMatchObject({ jobProgress: { totalInputRequests: 1, failedRequests: 0 } });
  const { stdout, code } = await type(['download', 'dataset', 'new-output-dataset', '--download-lineage']);
  expect(code).toBe(0);
  // What scripts look for on stdout is where the files are.
  const paths = [...stdout.matchAll(/dataset\/[a-z0-9-]+\/(?:BIJOutputSet\.jsonl|error-data)/g)].map(([path]) => path);
  expect(paths).toEqual([
    'dataset/output-dataset-id/BIJOutputSet.jsonl',
    'dataset/output-dataset-id/error-data',
    'dataset/new-output-dataset/BIJOutputSet.jsonl',
    'dataset/new-output-dataset/error-data',
  ]);
  const idsIn = (path: string) => parseLines(readFileSync(join(home, path), 'utf8')).map(({ custom_id }) => custom_id);
  expect(paths.map(idsIn)).toEqual([['a', 'c'], ['b'], ['b'], []]);
  await typed('download dataset output-dataset-id --output-dir here --quiet');
  expect(existsSync(join(home, 'here/dataset/output-dataset-id/BIJOutputSet.jsonl'))).toBe(true);
});

describe('one job, seen in every way', () => {
  beforeAll(async () => {
    await server.upload('seen-in', rowOf('a'));
    await server.createJob('seen', {
      displayName: 'Tonight',
      model: MODEL,
      inputDatasetId: 'seen-in',
      outputDatasetId: 'seen-out',
      inferenceParameters: { maxTokens: 8, temperature: 0.5, extraBody: '{"seed":1}' },
    });
    await server.untilState('seen', 'COMPLETED');
  });

  test('by id and by full name, verb first and noun first, in the singular and the plural', async () => {
    const { typed } = await openHome();
    const job = await server.get('batchInferenceJobs/seen');
    for (const words of [
      'get batch-inference-job seen',
      'batch-inference-job get seen',
      'bij get seen',
      'get batch-inference-jobs seen',
      'get bij accounts/local/batchInferenceJobs/seen',
      'batch-inference-job get accounts/local/batch-inference-jobs/seen',
    ])
      expect(JSON.parse(await typed(`${words} -o json`)), words).toEqual(job);
    const lists = ['list batch-inference-jobs', 'list batch-inference-job', 'ls bij', 'batch-inference-job list', 'bij ls'];
    for (const words of lists)
      expect(JSON.parse(await typed(`${words} -o json --filter`, 'display_name = "Tonight"')), words).toEqual([job]);
  });

  test('as text: a label and a value on each line, what is inside indented by two', async () => {
    const { typed } = await openHome();
    const text = await typed('get batch-inference-job seen');
    for (const line of [
      'Name: accounts/local/batchInferenceJobs/seen',
      'Display Name: Tonight',
      'State: JOB_STATE_COMPLETED',
      'Status: OK',
      `Model: ${SERVED_MODEL}`,
      'Inference Parameters:',
      '  Max Tokens: 8',
      'Job Progress:',
      '  Successfully Processed Requests: 1',
    ])
      expect(text.split('\n')).toContain(line);
    const labels = text
      .split('\n')
      .filter((line) => /^\w/.test(line))
      .map((line) => line.split(':')[0]);
    expect(labels.slice(0, 6)).toEqual(['Name', 'Display Name', 'Create Time', 'Expire Time', 'Created By', 'State']);
    const [heading, row] = (await typed('list bij --filter', 'display_name = "Tonight"')).split('\n');
    expect(heading?.split(/ {2,}/)).toEqual([
      'NAME',
      'STATE',
      'MODEL',
      'INPUT DATASET',
      'OUTPUT DATASET',
      'PROGRESS',
      'CREATE TIME',
    ]);
    expect(row?.split(/ {2,}/).slice(0, 6)).toEqual([
      'seen',
      'JOB_STATE_COMPLETED',
      'llama-v3p1-8b-instruct',
      'seen-in',
      'seen-out',
      '1/1 (100%)',
    ]);
  });

  test('as flags that would create it again', async () => {
    const { typed } = await openHome();
    const flags = (await typed('get bij seen -o flag')).trim().replaceAll("'", '').split(' ');
    const again = JSON.parse(await typed('create bij --dry-run -o json', ...flags));
    const { displayName, model, inputDatasetId, outputDatasetId, inferenceParameters } =
      await server.get('batchInferenceJobs/seen');
    expect(again).toMatchObject({ displayName, model, inputDatasetId, outputDatasetId, inferenceParameters });
  });
});

test('--dry-run prints the request, in whole, and sends nothing', async () => {
  const { typed } = await openHome();
  const request = JSON.parse(
    await typed(
      'create batch-inference-job --job-id dry --display-name Dry -m m -d in -x out --max-tokens 5 --temperature 0.5 --top-p 0.9 --top-k 4 --n 2 --precision FP16 --system-prompt Short. --max-job-duration 48h --dry-run -o json --extra-body',
      '{"stop":["x"]}',
    ),
  );
  expect(request).toEqual({
    name: 'dry',
    displayName: 'Dry',
    model: 'm',
    inputDatasetId: 'in',
    outputDatasetId: 'out',
    inferenceParameters: { maxTokens: 5, temperature: 0.5, topP: 0.9, topK: 4, n: 2, extraBody: '{"stop":["x"]}' },
    precision: 'FP16',
    systemPrompt: 'Short.',
    maxJobDuration: '172800s',
  });
  await typed('create dataset dry-in --dry-run');
  await typed('delete batch-inference-job seen --dry-run');
  expect((await server.ask('GET', 'datasets/dry-in')).status).toBe(404);
  expect((await server.ask('GET', 'batchInferenceJobs/dry')).status).toBe(404);
  expect((await server.ask('GET', 'batchInferenceJobs/seen')).status).toBe(200);
});

test('--wait ends with the job, --quiet says nothing, a deletion that is waited for is done', async () => {
  const { type, typed } = await openHome();
  expect(await typed(`bij create --job-id waited -m ${MODEL} -d seen-in --wait --quiet`)).toBe('');
  expect(await server.get('batchInferenceJobs/waited')).toMatchObject({ state: 'JOB_STATE_COMPLETED' });
  expect(await typed('delete batch-inference-job waited --wait --wait-timeout 1m0s')).toBe('');
  expect((await server.ask('GET', 'batchInferenceJobs/waited')).status).toBe(404);
  await server.upload('broken-in', '{}\n');
  const failed = await type(`bij create --job-id broken -m ${MODEL} -d broken-in --wait --quiet`.split(' '));
  expect(failed).toEqual({ ...FAILED, stderr: expect.stringContaining('Job broken ended as JOB_STATE_FAILED') });
});

test('what fails says so on stderr, with the time, and ends with 1', async () => {
  const { type } = await openHome();
  for (const line of [
    'get dataset nothing',
    'get batch-inference-job',
    'get nothing x',
    'create batch-inference-job --max-tokens many',
    'list datasets -o xml',
    'delete dataset nothing --wait',
    'download dataset nothing',
    'bij create --nothing',
    'get dataset seen-in -p no-such-profile',
  ])
    expect(await type(line.split(' ')), line).toEqual(FAILED);
  expect(await type(['get', 'dataset', 'seen-in', '--api-key', 'fw_wrong'])).toEqual(FAILED);
  expect((await type(['--help'])).code).toBe(0);
});

describe('who it is', () => {
  const wrong = 'api_key = wrong\n';

  test('auth.ini says it: plain, in quotes, in a section, in a profile of its own', async () => {
    const key = server.server.apiKey;
    for (const auth of [
      `api_key=${key}`,
      `# mine\n[fireworks]\naccount_id = "local"\napi_key = '${key}'\n`,
      `[default]\napi_key = ${key}\n`,
    ]) {
      const { typed } = await openHome(auth);
      expect(await typed('whoami')).toContain('accounts/local');
    }
    const { type, typed } = await openHome(`${wrong}\n[work]\naccount_id = local\napi_key = ${key}\n`);
    expect(await type(['whoami'])).toEqual(FAILED);
    for (const words of ['whoami -p work', '--profile work whoami']) expect(await typed(words)).toContain('accounts/local');
  });

  test('the environment is stronger than the file, a flag stronger than both', async () => {
    const { type } = await openHome(wrong);
    const key = server.server.apiKey;
    expect((await type(['whoami'], { FIREWORKS_API_KEY: key })).code).toBe(0);
    expect((await type(['whoami', '--api-key', key], { FIREWORKS_API_KEY: 'wrong' })).code).toBe(0);
    expect((await type(['list', 'datasets', '-a', 'local', '--api-key', key], { FIREWORKS_ACCOUNT_ID: 'other' })).code).toBe(0);
    expect(await type(['list', 'datasets'], { FIREWORKS_API_KEY: key, FIREWORKS_ACCOUNT_ID: 'other' })).toEqual(FAILED);
  });

  test('set-api-key keeps it for later, where nobody else can read it', async () => {
    const { home, typed } = await openHome('account_id = local\n');
    await typed(`set-api-key ${server.server.apiKey}`);
    const auth = join(home, '.fireworks/auth.ini');
    expect(readFileSync(auth, 'utf8')).toBe(`account_id = local\napi_key = ${server.server.apiKey}\n`);
    expect(statSync(auth).mode & 0o777).toBe(0o600);
    expect(await typed('whoami')).toContain('accounts/local');
  });
});
