import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { installProgram } from '../support/installed.ts';

const run = promisify(execFile);
let home = '';
let installed = '';

beforeAll(async () => {
  const program = await installProgram();
  home = program.home;
  installed = program.folder;
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

test('the command says its version', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const { stdout, stderr } = await run('npx', ['boatload', '--version'], { cwd: home });
  expect(stdout).toContain(version);
  expect(stderr).not.toMatch(/ExperimentalWarning|defect/);
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
