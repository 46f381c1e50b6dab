import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MODEL, START_MS, startServer, type TestServer } from '../client/server.ts';
import { makeFolder } from '../support/folder.ts';
import { startNode } from '../support/program.ts';
import { allIds, contentOf, idOf, makeRow, makeRows, readLines, writeRows } from '../support/rows.ts';
import { makeHome, makeTyping, steady } from './on-server.ts';

const BOATLOAD = fileURLToPath(new URL('../../bin/boatload.js', import.meta.url));
/** Rows that the engine refuses for now. */
const refused = new Set<string>();
/** Rows that it never answers. */
const held = new Set<string>();
let server: TestServer;

beforeAll(async () => {
  const body = JSON.stringify({ error: { message: 'The prompt is too long.', type: 'invalid_request_error' } });
  server = await startServer({
    script: ({ marker }) => (refused.has(marker) ? { status: 400, body } : held.has(marker) ? 'hang' : undefined),
  });
}, START_MS);
afterAll(() => server?.close());

const type = makeTyping(() => server, 'firectl');
const typed = async (line: string, ...more: readonly string[]) => {
  const seen = await type(...line.split(' '), ...more);
  if (seen.code !== 0) throw new Error(`${line}: ${seen.stderr}`);
  return seen.stdout;
};

/** A file of rows in a folder of its own. */
async function makeFile(rows: number): Promise<{ readonly folder: string; readonly path: string }> {
  const folder = await makeFolder();
  const path = join(folder, 'rows.jsonl');
  writeRows(path, rows);
  return { folder, path };
}

describe('the commands of the guide, word for word', () => {
  test('a job leaves rows unanswered, its continuation answers them, and the lineage brings both', async () => {
    const { folder } = await makeFile(20);
    // As npm installs it: a link by that name.
    const firectl = join(folder, 'firectl');
    symlinkSync(BOATLOAD, firectl);
    const env = { HOME: makeHome(), BOATLOAD_DATA_DIR: server.dataDir };
    const run = async (line: string) => {
      const ended = await startNode([firectl, ...line.split(' ')], { cwd: folder, env }).ended;
      expect(ended).toMatchObject({ code: 0 });
      return ended.stdout;
    };
    for (const row of [3, 7, 11]) refused.add(idOf(row));
    await run('create dataset batch-input-dataset ./rows.jsonl');
    await run(
      `create batch-inference-job --job-id original-job-id --model ${MODEL} --input-dataset-id batch-input-dataset --output-dataset-id batch-output-dataset --wait --quiet`,
    );
    expect(await run('get batch-inference-job original-job-id')).toMatch(/^ {2}Failed Requests: 3$/m);
    refused.clear();
    await run(
      `create batch-inference-job --continue-from original-job-id --model ${MODEL} --output-dataset-id new-output-dataset --wait`,
    );
    const paths = (await run('download dataset new-output-dataset --download-lineage')).trim().split('\n');
    expect(paths.toSorted()).toEqual([
      'dataset/batch-output-dataset/BIJOutputSet.jsonl',
      'dataset/batch-output-dataset/error-data',
      'dataset/new-output-dataset/BIJOutputSet.jsonl',
      'dataset/new-output-dataset/error-data',
    ]);
    const idsIn = (path: string) => readLines(join(folder, path)).map(({ custom_id }) => custom_id);
    expect(idsIn('dataset/new-output-dataset/BIJOutputSet.jsonl')).toEqual([idOf(3), idOf(7), idOf(11)]);
    expect(idsIn('dataset/batch-output-dataset/error-data')).toEqual([idOf(3), idOf(7), idOf(11)]);
    expect(readFileSync(join(folder, 'dataset/new-output-dataset/error-data'), 'utf8')).toBe('');
    expect(await run('dataset download new-output-dataset --merge --output-dir all')).toBe(
      'all/dataset/new-output-dataset/merged.jsonl\n',
    );
    const merged = readLines(join(folder, 'all/dataset/new-output-dataset/merged.jsonl'));
    expect(merged.map(({ custom_id }) => custom_id)).toEqual(allIds(20));
    expect(merged.map(contentOf)).toEqual(allIds(20));
  });
});

describe('what is printed', () => {
  test('one resource as text, as JSON and as flags', async () => {
    const { path } = await makeFile(4);
    expect(steady(await typed(`dataset create look-in ${path} --display-name Rows`))).toMatchSnapshot('dataset create');
    const create = `bij create --job-id look -m ${MODEL} -d look-in -x look-out --max-tokens 64 --temperature 0.5 --display-name`;
    expect(steady(await typed(create, "Ann's job", '--wait'))).toMatchSnapshot('job create');
    const flags = await typed('get bij look -o flag');
    expect(flags).toBe(
      `--job-id=look --display-name='Ann'\\''s job' --model=accounts/boatload/models/${MODEL} --input-dataset-id=accounts/local/datasets/look-in --output-dataset-id=accounts/local/datasets/look-out --max-tokens=64 --temperature=0.5 --on-invalid-row=fail\n`,
    );
    expect(execFileSync('sh', ['-c', `printf '%s\\n' ${flags}`], { encoding: 'utf8' }).split('\n')).toContain(
      "--display-name=Ann's job",
    );
    expect(JSON.parse(await typed('batch-inference-job get look -o json'))).toMatchObject({
      name: 'accounts/local/batchInferenceJobs/look',
      state: 'JOB_STATE_COMPLETED',
      inferenceParameters: { maxTokens: 64, temperature: 0.5 },
    });
    expect(await typed('get dataset look-out -o flag')).toBe('\n');
    expect(await typed('get dataset look-in -o flag')).toBe('--display-name=Rows\n');
  });

  test('lists as tables and as JSON, page by page, filtered and in order', async () => {
    for (const letter of ['a', 'b', 'c', 'd', 'e']) await typed(`create dataset page-${letter}`);
    const filter = ['--filter', 'name >= "accounts/local/datasets/page-a" AND name <= "accounts/local/datasets/page-z"'];
    expect(steady(await typed('list datasets', ...filter))).toMatchSnapshot('dataset list');
    const idsOf = (json: string) => JSON.parse(json).map(({ name }: { name: string }) => name.slice(-1));
    const page = async (number: number) =>
      idsOf(await typed(`ls datasets --page-size 2 --page-token ${number} -o json`, ...filter));
    expect([await page(0), await page(1), await page(2), await page(3)]).toEqual([['a', 'b'], ['c', 'd'], ['e'], []]);
    const { stdout, stderr } = await type('list', 'datasets', '--page-size', '2', ...filter);
    expect(stdout.split('\n')).toHaveLength(4);
    expect(stderr).toBe('There is more: --page-token 1, or --no-paginate for all.\n');
    const all = await typed('dataset list --no-paginate -o json --page-size 2 --order-by', 'name desc', ...filter);
    expect(idsOf(all)).toEqual(['e', 'd', 'c', 'b', 'a']);
    expect(await typed('list bij --filter', 'model = "nothing"')).toMatch(
      /^NAME +STATE +MODEL +INPUT DATASET +OUTPUT DATASET +PROGRESS +CREATE TIME\n$/,
    );
  });

  test('requests instead of deeds, with --dry-run', async () => {
    const { path } = await makeFile(3);
    const dry = async (line: string, ...more: readonly string[]) => typed(line, ...more, '--dry-run');
    expect(await dry(`dataset create dry ${path}`)).toBe('Dataset Id: dry\nDataset:\n  Example Count: 3\n');
    const job = await dry(
      'create bij -m m -d in --extra-body',
      '{"stop":["\\n"]}',
      '--top-k',
      '5',
      '-o',
      'json',
      '--max-job-duration',
      '48h',
    );
    expect(JSON.parse(job)).toEqual({
      model: 'm',
      inputDatasetId: 'in',
      inferenceParameters: { topK: 5, extraBody: '{"stop":["\\n"]}' },
      maxJobDuration: '172800s',
    });
    expect(await dry('delete dataset some')).toBe('Name: some\n');
    expect(await dry('update dataset some --display-name New')).toBe('Name: some\nDisplay Name: New\n');
    expect(await dry('update model some --public=false')).toBe('Name: some\nPublic: false\n');
    expect(await dry('get bij some')).toBe('Name: some\n');
    expect(await dry('create api-key --key-name ci')).toBe('Api Key:\n  Display Name: ci\n');
    expect((await type('get', 'dataset', 'dry')).code).toBe(1);
  });

  test('a failure: the time, the words, and 1, whatever it was', async () => {
    for (const line of [
      'get dataset nope',
      'get dataset',
      'get nonsense x',
      'bij create --max-tokens many',
      'bij create -o xml',
      'bij --x',
    ])
      expect(await type(...line.split(' '))).toEqual({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d Failed to execute: .+/),
      });
    expect((await type('get', 'dataset', 'nope')).stderr).toContain('accounts/local/datasets/nope [DATASET_NOT_FOUND]');
    expect((await type('craete', 'dataset')).stderr).toContain('Did you mean create?');
    expect((await type('dataset', 'downlaod')).stderr).toContain('Did you mean download?');
  });
});

describe('datasets', () => {
  test('a folder of files goes in; what is empty or nothing does not', async () => {
    const { folder } = await makeFile(3);
    writeFileSync(join(folder, 'second.jsonl'), `\n${makeRows(5).split('\n').slice(3).join('\n')}`);
    writeFileSync(join(folder, 'notes.txt'), 'not a row');
    expect(await typed(`dataset create folder-in ${folder} --quiet`)).toContain('Example Count: 5\n');
    writeFileSync(join(folder, 'empty.jsonl'), '');
    expect((await type('dataset', 'create', 'folder-2', folder)).stderr).toContain('empty.jsonl is empty');
    expect((await type('dataset', 'create', 'folder-2', join(folder, 'nothing'))).stderr).toContain('ENOENT');
    expect((await type('get', 'dataset', 'folder-2')).code).toBe(1);
  });

  test('a large file goes through little memory, both ways', async () => {
    const { folder } = await makeFile(1);
    const path = join(folder, 'large.jsonl');
    const row = JSON.stringify(makeRow(0, { padding: 'x'.repeat(2_000) }));
    writeFileSync(path, `${row}\n`.repeat(100_000));
    const hook = "data:text/javascript,process.on('exit',()=>process.stderr.write(String(process.resourceUsage().maxRSS)))";
    const env = { HOME: folder, BOATLOAD_DATA_DIR: server.dataDir };
    const run = (...args: string[]) => startNode(['--import', hook, BOATLOAD, ...args], { cwd: folder, env }).ended;
    for (const words of [
      ['dataset', 'create', 'large', path, '--quiet'],
      ['dataset', 'download', 'large', '--quiet'],
    ]) {
      const { code, stderr } = await run(...words);
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^\d+$/) });
      // Kilobytes; the file has 210 MB.
      expect(Number(stderr)).toBeLessThan(220_000);
    }
    const digest = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
    expect(digest(join(folder, 'dataset', 'large', 'large.jsonl'))).toBe(digest(path));
    await typed('dataset delete large');
  });

  test('a create that was begun is finished; one that was done is refused', async () => {
    const { path } = await makeFile(3);
    await typed('dataset create begun');
    expect(await typed(`dataset create begun ${path}`)).toContain('State: READY');
    expect((await type('dataset', 'create', 'begun', path)).stderr).toContain('[DATASET_EXISTS]');
    expect(await typed('dataset update begun --display-name Later')).toContain('Display Name: Later');
    expect(await typed('dataset delete begun --wait')).toBe('');
    expect((await type('dataset', 'get', 'begun')).code).toBe(1);
  });

  test('a download that was begun goes on, and what stands there is replaced', async () => {
    const { folder, path } = await makeFile(400);
    await typed(`dataset create half ${path}`);
    const whole = readFileSync(path);
    const target = join(folder, 'dataset', 'half');
    await typed(`dataset download half --output-dir ${folder} --quiet`);
    expect(readdirSync(target)).toEqual(['rows.jsonl']);
    // As a download that was killed leaves it: bytes that could not have come from anywhere else show that they were kept.
    const json = JSON.parse(
      await (
        await fetch(`${server.url}/v1/accounts/-/datasets/half:getDownloadEndpoint`, {
          headers: { authorization: `Bearer ${server.apiKey}` },
        })
      ).text(),
    );
    const [link] = Object.values<string>(json.filenameToSignedUrls);
    const mark = ((await fetch(link ?? '', { method: 'HEAD' })).headers.get('etag') ?? '').replaceAll(/\W/g, '').slice(0, 12);
    mkdirSync(target, { recursive: true });
    writeFileSync(join(target, `rows.jsonl.${mark}.part`), Buffer.alloc(100, 'x'));
    await typed(`dataset download half --output-dir ${folder}`);
    expect(readdirSync(target)).toEqual(['rows.jsonl']);
    expect(readFileSync(join(target, 'rows.jsonl'))).toEqual(Buffer.concat([Buffer.alloc(100, 'x'), whole.subarray(100)]));
  });
});

describe('jobs', () => {
  test('--wait fails when the job does, and --wait-timeout when it takes longer', async () => {
    const { folder } = await makeFile(1);
    const bad = join(folder, 'bad.jsonl');
    writeFileSync(bad, '{"custom_id":"a","body":{"messages":[{"role":"nobody","content":"x"}]}}\n');
    await typed(`dataset create bad-in ${bad}`);
    const failed = await type('bij', 'create', '-m', MODEL, '-d', 'bad-in', '--job-id', 'bad', '--wait');
    expect(failed).toMatchObject({ code: 1, stdout: expect.stringContaining('State: JOB_STATE_FAILED') });
    expect(failed.stderr).toContain('Job bad ended as JOB_STATE_FAILED: Dataset has a syntax error');
    await typed(`bij create -m ${MODEL} -d bad-in --job-id skipping --on-invalid-row skip --wait --quiet`);
    held.add('held');
    const slow = join(folder, 'slow.jsonl');
    writeFileSync(
      slow,
      `${JSON.stringify({ custom_id: 'held', body: { messages: [{ role: 'user', content: '[[held]]' }] } })}\n`,
    );
    await typed(`dataset create slow-in ${slow}`);
    const late = await type('bij', 'create', '-m', MODEL, '-d', 'slow-in', '--job-id', 'slow', '--wait', '--wait-timeout', '0s');
    expect(late).toMatchObject({ code: 1, stderr: expect.stringContaining('WAIT_TIMEOUT') });
    await typed('bij delete accounts/local/batch-inference-jobs/slow --wait --wait-timeout 1m');
    expect(await typed(`bij create -m ${MODEL} -d bad-in --job-id quiet --quiet`)).toBe('');
    await typed('bij delete accounts/local/batch-inference-jobs/bad --wait --wait-timeout 1m');
    expect((await type('get', 'bij', 'bad')).code).toBe(1);
  });
});

describe('people and models', () => {
  test('accounts, users, keys and quotas', async () => {
    expect(steady(await typed('whoami'))).toMatchSnapshot('whoami');
    expect(await typed('account get')).toBe(await typed('get account local'));
    expect(steady(await typed('user create --email ada@example.com --role user --user-id ada'))).toMatchSnapshot('user create');
    await typed('update user ada --display-name Ada');
    expect(await typed('user get ada -o flag')).toBe('--user-id=ada --display-name=Ada --email=ada@example.com --role=user\n');
    const created = JSON.parse(await typed('api-key create --service-account ada --expire-time 2099-01-31 -o json'));
    expect(created.key).toMatch(/^bl_/);
    expect(await typed('api-key list --all-users')).toContain(created.keyId);
    expect(await typed('api-key list')).not.toContain(created.keyId);
    expect(await typed(`whoami --api-key ${created.key}`)).toContain('User: accounts/local/users/ada\n');
    await typed(`delete api-key ${created.keyId}`);
    expect((await type('whoami', '--api-key', created.key)).stderr).toContain('refused the API key from --api-key');
    expect((await type('delete', 'api-key', 'nothing')).stderr).toContain('KEY_NOT_FOUND');
    await typed('user delete ada');
    expect(await typed('ls audit-logs --page-size 1')).toMatch(
      /^TIME +PRINCIPAL +METHOD +RESOURCE +STATUS\n\S+ +\S+ +deleteUser +accounts\/local\/users\/ada +OK\n$/,
    );
    expect(JSON.parse(await typed('audit-log list --email nobody@example.com -o json'))).toEqual([]);
    expect(JSON.parse(await typed('audit-logs list --end-time 2020-01-01 -o json'))).toEqual([]);
    expect(await typed('quota list')).toMatch(/^NAME +VALUE +MAX VALUE +USAGE\nbatch-jobs-active +\d+ /);
    expect(await typed('quota update batch-jobs-active --value 900')).toContain('\nValue: 900\n');
    expect((await type('quota', 'update', 'batch-jobs-active', '--value', '9000000000000')).code).toBe(1);
  });

  test('what was used, as CSV', async () => {
    const { folder, path } = await makeFile(2);
    await typed(`dataset create used-in ${path}`);
    await typed(`bij create -m ${MODEL} -d used-in --wait --quiet`);
    const file = join(folder, 'bill.csv');
    const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
    expect(await typed(`export billing-metrics --start-time ${day(-40)} --end-time ${day(2)} --filename ${file}`)).toBe(
      `${file}\n`,
    );
    const [heading, ...rows] = readFileSync(file, 'utf8').trim().split('\n');
    expect(heading).toBe(
      'email,start_time,end_time,usage_type,accelerator_type,accelerator_seconds,base_model_name,model_bucket,parameter_count,prompt_tokens,completion_tokens',
    );
    expect(rows.some((row) => row.includes(`,accounts/boatload/models/${MODEL},,,`))).toBe(true);
  });

  test('models are made of a folder, and come back', async () => {
    const { folder } = await makeFile(1);
    const model = join(folder, 'model');
    mkdirSync(join(model, '.git'), { recursive: true });
    writeFileSync(join(model, '.git', 'HEAD'), 'not sent');
    writeFileSync(join(model, 'config.json'), '{"model_type":"llama"}');
    writeFileSync(join(model, 'model.safetensors'), 'weights and so on');
    expect(await typed(`model create mine ${model} --description Mine --quiet`)).toMatch(
      /State: READY\n(.*\n)*Description: Mine\n/,
    );
    expect(await typed('list models')).toMatch(/^mine +\S+ +HF_BASE_MODEL/m);
    await typed('model update mine --public');
    expect(await typed('get model mine')).toContain('\nPublic: true\n');
    await typed('model update mine --public=false');
    expect(await typed('get model mine')).toContain('\nPublic: false\n');
    await typed(`model download mine ${join(folder, 'back')}`);
    expect(readFileSync(join(folder, 'back', 'model.safetensors'), 'utf8')).toBe('weights and so on');
    expect(existsSync(join(folder, 'back', '.git'))).toBe(false);
    await typed('prepare-model mine --precision FP8 --wait');
    expect((await type('model', 'create', 'far', 's3://bucket/path')).stderr).toContain('Failed to execute');
    expect((await type('load-lora', 'mine', '--wait')).stderr).toContain('[MODEL_NOT_SERVED]');
    await typed('model delete mine --wait');
  });

  test('a model that engines serve is loaded, and can not be unloaded from here', async () => {
    const name = `accounts/boatload/models/${MODEL}`;
    expect(await typed(`model load-lora ${name} --wait`)).toBe('');
    expect((await type('load-lora', name, '--deployment', 'mine')).stderr).toContain('[DEPLOYMENTS_NOT_OFFERED]');
    expect((await type('unload-lora', name)).stderr).toContain('[ENGINE_DECIDES]');
  });
});

describe('signing in', () => {
  test('keeps account and key where later commands find them', async () => {
    const key = server.apiKey;
    const HOME = makeHome();
    const typeAt = makeTyping(() => ({ ...server, dataDir: HOME }), 'firectl');
    expect((await typeAt('whoami')).stderr).toContain('No server is up on this machine');
    expect((await typeAt('signin', '--base-url', server.url, '--api-key', 'bl_wrong')).stderr).toContain('[KEY_REFUSED]');
    const signedIn = await typeAt('login', '--base-url', server.url, '--api-key', key);
    expect(signedIn).toMatchObject({ code: 0, stdout: expect.stringContaining('Signed in to accounts/local') });
    expect((await typeAt('whoami')).stdout).toContain('API Key: from ~/.fireworks/auth.ini');
    expect((await typeAt('set-api-key', 'bl_other')).code).toBe(0);
    expect((await typeAt('whoami')).stderr).toContain('refused the API key from ~/.fireworks/auth.ini');
    await typeAt('set-api-key', key, '--profile', 'work', '--base-url', server.url);
    expect((await typeAt('whoami', '-p', 'work')).stdout).toContain('Account ID: local');
    expect((await typeAt('-p', 'home', 'whoami')).stderr).toContain(
      'No profile is called "home" in ~/.fireworks/auth.ini. There are: work.',
    );
    expect((await typeAt('version', '--long')).stdout).toBe('0.1.0\nengine: llama.cpp b1\nschema: 3\n');
    expect((await typeAt('upgrade')).stdout).toContain('npm install --global boatload@latest');
  });
});
