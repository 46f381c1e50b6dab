import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, expect, test, vi } from 'vitest';

const root = mkdtempSync(join(tmpdir(), 'boatload-launcher-'));
afterAll(() => rmSync(root, { recursive: true }));

const MAIN = `
  process.on('SIGINT', () => process.exit(41));
  console.log('main', process.argv.slice(2).join(' '));
  if (process.argv[2] === 'wait') setInterval(() => {}, 1000);
  if (process.argv[2] === 'fail') process.exitCode = 3;
  if (process.argv[2] === 'warn') {
    process.emitWarning('a real one');
    process.emitWarning('an unknown experiment', 'ExperimentalWarning');
    process.emitWarning('SQLite is an experimental feature and might change at any time', 'ExperimentalWarning');
  }
`;
const PRETEND_OLD = `--import=data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.1.0'})`;

/** A package with the real launcher and a main file of ours. */
function makePackage(name: string, main: string): string {
  const folder = join(root, name);
  mkdirSync(join(folder, 'bin'), { recursive: true });
  mkdirSync(join(folder, main, '..'), { recursive: true });
  cpSync('bin/boatload.js', join(folder, 'bin/boatload.js'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, main), MAIN);
  return folder;
}

function launch(folder: string, args: readonly string[], nodeArgs: readonly string[] = [], env = {}): ChildProcess {
  return spawn(process.execPath, [...nodeArgs, join(folder, 'bin/boatload.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
}

async function outcome(child: ChildProcess) {
  if (child.stdout === null || child.stderr === null) throw new Error('The child has no pipes');
  const [stdout, stderr, [code, signal]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { stdout, stderr, end: code ?? signal };
}

const built = makePackage('built', 'dist/joined/main.js');
const checkout = makePackage('checkout', 'src/main.ts');

test.each([
  ['compiled', built],
  ['as TypeScript', checkout],
])('the program runs %s, with its arguments, and says nothing of its own', async (_, folder) => {
  expect(await outcome(launch(folder, ['run', '--flag']))).toEqual({ stdout: 'main run --flag\n', stderr: '', end: 0 });
});

test('of the warnings only those that nobody can act on are hidden', async () => {
  const { stderr } = await outcome(launch(built, ['warn']));
  expect(stderr).toContain('a real one');
  expect(stderr).toContain('an unknown experiment');
  expect(stderr).not.toContain('SQLite');
});

test('a Node that is too old is told which one is needed, which came, and what to do', async () => {
  const { stderr, end } = await outcome(launch(built, [], [PRETEND_OLD]));
  expect(stderr).toMatch(
    /^Boatload needs Node 22\.19 or newer and was started with 20\.1\.0 \(.*\)\. Install Node 24 from \S+ and start it again\.\n$/,
  );
  expect(end).toBe(1);
});

test('in a checkout an old Node hands over to the Node that npm brought', async () => {
  const folder = makePackage('own-node', 'src/main.ts');
  const own = join(folder, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin');
  mkdirSync(own, { recursive: true });
  symlinkSync(process.execPath, join(own, 'node'));

  expect(await outcome(launch(folder, ['fail'], [PRETEND_OLD]))).toEqual({ stdout: 'main fail\n', stderr: '', end: 3 });

  const waiting = launch(folder, ['wait'], [PRETEND_OLD]);
  waiting.stdout?.once('data', () => waiting.kill('SIGINT'));
  expect(await outcome(waiting)).toEqual({ stdout: 'main wait\n', stderr: '', end: 41 });

  const killed = launch(folder, ['wait'], [PRETEND_OLD]);
  killed.stdout?.once('data', () => killed.kill('SIGTERM'));
  expect(await outcome(killed)).toMatchObject({ end: 'SIGTERM' });
});

test('what was compiled is kept though the process never comes to its end', async () => {
  const cache = join(root, 'cache');
  const waiting = launch(checkout, ['wait'], [], { XDG_CACHE_HOME: cache });
  await vi.waitUntil(() => filesIn(join(cache, 'boatload/compiled')).length > 0, { timeout: 30_000 });
  waiting.kill('SIGKILL');
  expect(await outcome(waiting)).toMatchObject({ end: 'SIGKILL' });
}, 60_000);

const filesIn = (dir: string): readonly string[] =>
  existsSync(dir)
    ? readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(dir, name)).isFile())
    : [];
