import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { installProgram } from '../support/installed.ts';
import { startNode } from '../support/program.ts';

const run = promisify(execFile);
let home = '';
let installed = '';
let bin = '';

beforeAll(async () => {
  const program = await installProgram();
  home = program.home;
  installed = program.folder;
  bin = program.program;
});

test('the installed package is small and has no GPU binary', () => {
  const files = readdirSync(join(home, 'node_modules'), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
  expect(bytes).toBeGreaterThan(50e6);
  expect(bytes).toBeLessThan(200e6);
  expect(files.filter(({ parentPath, name }) => /@node-llama-cpp\/.*(cuda|vulkan)/.test(join(parentPath, name)))).toEqual([]);
  const packages = readdirSync(join(home, 'node_modules'), { recursive: true, encoding: 'utf8' });
  expect(packages.filter((path) => basename(path).startsWith('node-linux-') || basename(path) === 'vitest')).toEqual([]);
});

test('everything the program depends on is there', async () => {
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  const names = Object.keys(manifest.dependencies);
  expect(names.length).toBeGreaterThan(10);
  const imports = names.map((name) => `await import(${JSON.stringify(name)});`).join('\n');
  await run(process.execPath, ['--input-type=module', '-e', imports], { cwd: installed });
});

test('a program of somebody else imports the client, runs it and is checked against its types', async () => {
  const program = join(home, 'uses-client.mts');
  writeFileSync(
    program,
    `import { ApiError, type BatchInferenceJob, makeClient } from 'boatload/client';
const client = makeClient({ baseUrl: 'http://127.0.0.1:9', apiKey: 'k', retries: 0 });
const percentOf = (job: BatchInferenceJob): number | undefined => job.jobProgress?.percent;
// @ts-expect-error a job has no such field
const misspelt = () => client.jobs.create({ modle: 'tickets' });
const rows = async () => { for await (const { custom_id, error } of client.jobs.results('j')) console.log(custom_id, error?.code); };
const error: unknown = await client.accounts.get().catch((error: unknown) => error);
console.log(error instanceof ApiError && error.code, [percentOf, misspelt, rows].length);
`,
  );
  const { stdout } = await run(process.execPath, [program]);
  expect(stdout).toBe('UNAVAILABLE 3\n');
  const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2024', '--lib', 'esnext,dom', '--types', ''];
  await run(resolve('node_modules/.bin/tsc'), [...options, '--ignoreConfig', program], { cwd: home });
});

test('the command says its version', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const { stdout, stderr } = await run('npx', ['boatload', '--version'], { cwd: home });
  expect(stdout).toContain(version);
  expect(stderr).not.toMatch(/ExperimentalWarning|defect/);
});

test('the server that comes along finds its page, and what the page needs', async () => {
  const args = ['up', '--json', '--port', '0', '--data-dir', join(await makeFolder(), 'data'), '--engine', 'echo'];
  const server = startNode([bin, ...args], { cwd: home });
  const [, url = ''] = await server.says(/"url":"([^"]+)"/);
  const page = await (await fetch(`${url}/docs`)).text();
  const files = [...page.matchAll(/(?:href|src)="(\/docs\/[^"]+)"/g)].flatMap(([, file]) => file ?? []);
  expect(files.length).toBeGreaterThanOrEqual(2);
  for (const file of files) expect((await fetch(url + file)).status, file).toBe(200);
});

test('the sample that comes along runs on the model that comes along, in the native engine, and is answered well', async () => {
  const sample = join(installed, 'models/tickets/sample.jsonl');
  const output = join(await makeFolder(), 'answers.jsonl');
  await run('npx', ['boatload', 'run', sample, '-o', output, '--model', 'tickets'], { cwd: home });
  const answers = readRows<{ custom_id: string; response: { choices: { message: { content: string } }[] } }>(output);
  const expected = readRows<{ custom_id: string; expected: unknown }>(join(installed, 'models/tickets/sample.expected.jsonl'));
  expect(answers.map(({ custom_id }) => custom_id)).toEqual(expected.map(({ custom_id }) => custom_id));
  const right = answers.filter(
    ({ response }, index) => response.choices[0]?.message.content === JSON.stringify(expected[index]?.expected),
  );
  expect(right.length).toBeGreaterThanOrEqual(56);
});

const readRows = <Row>(path: string): Row[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
