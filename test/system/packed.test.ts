import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const root = mkdtempSync(join(tmpdir(), 'boatload-packed-'));
const home = join(root, 'home');
const installed = join(home, 'node_modules/boatload');

beforeAll(async () => {
  await run('npm', ['run', 'build']);
  const { stdout } = await run('npm', ['pack', './build/package', '--json', '--pack-destination', root], {
    // It lists every file of the package.
    maxBuffer: 64 * 1024 * 1024,
  });
  const [packed] = JSON.parse(stdout) as { filename: string }[];
  if (packed === undefined) throw new Error('npm packed nothing');
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{}');
  await run('npm', ['install', '--ignore-scripts', '--prefer-offline', join(root, packed.filename)], { cwd: home });
});

afterAll(() => rmSync(root, { recursive: true }));

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
  writeFileSync(join(installed, 'dist/all.js'), imports);
  await run(process.execPath, [join(installed, 'dist/all.js')]);
});

test('the command says its version', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const { stdout, stderr } = await run('npx', ['boatload', '--version'], { cwd: home });
  expect(stdout).toContain(version);
  expect(stderr).not.toMatch(/ExperimentalWarning|defect/);
});

test('the sample that comes along runs on the model that comes along, in the native engine, and is answered well', async () => {
  const sample = join(installed, 'models/tickets/sample.jsonl');
  await run('npx', ['boatload', 'run', sample, '-o', 'answers.jsonl', '--model', 'tickets'], { cwd: home });
  const answers = readRows<{ custom_id: string; response: { choices: { message: { content: string } }[] } }>(
    join(home, 'answers.jsonl'),
  );
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
