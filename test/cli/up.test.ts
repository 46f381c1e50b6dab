import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Problem } from '../../src/base/problem.ts';
import type { Doors, UpRequest } from '../../src/cli/doors.ts';
import { runProgram } from '../../src/cli/program.ts';
import { FakeHost, type FakeOptions } from './fake-host.ts';
import { makeRoof, makeUpFacts } from './fake-roof.ts';
import { screenOf } from './terminal.ts';

/** A server that comes up and stays until it is told to stop. */
const serve =
  (changes: Parameters<typeof makeUpFacts>[0] = {}): Doors['up'] =>
  async (_request, view, stop) => {
    view.opened({ version: '0.1.0' });
    view.creating('/home/ann/.local/share/boatload');
    view.started('database', 'embedded (first start 2.1 s)');
    view.started('storage', 'local files');
    view.started('engine', 'echo (demo)');
    view.notice('Port 8080 is taken; using 8081.');
    view.ready(makeUpFacts(changes));
    await new Promise((resolve) => stop.addEventListener('abort', resolve));
  };

async function up(
  options: FakeOptions,
  use: (host: FakeHost) => void | Promise<void>,
  changes?: Parameters<typeof makeUpFacts>[0],
) {
  const host = new FakeHost({ ...options, env: { HOME: '/home/ann', ...options.env } });
  const ended = runProgram(host, makeRoof({ up: serve(changes) }));
  while (!host.stderr.text.includes('8081')) await setImmediate();
  // The view asks whether it is in front before it offers keys.
  await setImmediate();
  await use(host);
  const code = await ended;
  expect(host.leftovers).toBe(0);
  expect(host.stdin.isRaw).toBe(false);
  return { code, stdout: host.stdout.text, stderr: host.stderr.text };
}

const ctrlC = (host: FakeHost) => host.signal('SIGINT');

test('the first start says what came up, where it listens and the key, once', async () => {
  const seen = await up({ args: ['up'], env: {} }, ctrlC);
  expect(seen).toMatchObject({ code: 0, stdout: '' });
  expect(seen.stderr).toMatchInlineSnapshot(`
    "boatload 0.1.0
    Creating ~/.local/share/boatload
    ✓ database  embedded (first start 2.1 s)
    ✓ storage   local files
    ✓ engine    echo (demo)
    ! Port 8080 is taken; using 8081.
    ready in 2.8 s
      Fireworks   http://127.0.0.1:8080/v1/accounts/local
      API key     bl_live_3fK  (shown once, saved to ~/.config/boatload/config.toml)
    stopping…  (Ctrl-C again stops at once)
    "
  `);
});

test('a later start keeps the key to itself', async () => {
  const seen = await up({ args: ['up'] }, ctrlC, { apiKeyIsNew: false, tryNext: 'boatload run --help' });
  expect(seen.stderr).not.toContain('bl_live');
  expect(seen.stderr).toContain('  API key     saved to ~/.config/boatload/config.toml\n  Try:        boatload run --help\n');
});

test('--json is one line on stdout and nothing but notices elsewhere', async () => {
  const seen = await up({ args: ['up', '--json'] }, ctrlC);
  expect(seen.stdout).toBe('{"url":"http://127.0.0.1:8080","account":"local","apiKey":"bl_live_3fK"}\n');
  expect(seen.stderr).toBe('! Port 8080 is taken; using 8081.\n');
});

test.each([
  ['q', 'q'],
  ['Ctrl-C, which is a key then', '\u0003'],
])('at a terminal %s stops the server', async (_name, key) => {
  const seen = await up({ args: ['up'], columns: 100 }, async (host) => {
    expect(host.stdin.isRaw).toBe(true);
    host.stdin.write('x');
    await setImmediate();
    expect(host.stderr.text).not.toContain('stopping');
    host.stdin.write(key);
  });
  expect(seen.code).toBe(0);
  expect(screenOf(seen.stderr)).toMatch(/\npress q to stop\nstopping… {2}\(Ctrl-C again stops at once\)$/);
});

test.each([
  ['in the background', { args: ['up'], columns: 100, foreground: false }],
  ['on a pipe', { args: ['up'] }],
  ['with --json', { args: ['up', '--json'], columns: 100 }],
])('keys are left alone %s', async (_name, options) => {
  const seen = await up(options, (host) => {
    expect(host.stdin.isRaw).toBe(false);
    host.signal('SIGTERM');
  });
  expect(seen.stderr).not.toContain('press q');
});

test('flags reach the door; what the environment says, the roof finds out', async () => {
  const requests: UpRequest[] = [];
  const open = async (args: readonly string[]) => {
    const host = new FakeHost({ args: ['up', ...args], env: { BOATLOAD_DATA_DIR: 'e' } });
    const door: Doors['up'] = async (request) => {
      requests.push(request);
    };
    expect(await runProgram(host, makeRoof({ up: door }))).toBe(0);
  };
  await open([]);
  await open('--port 0 --host 0.0.0.0 --data-dir d --model a --model b --engine echo --engine http://h:1/v1'.split(' '));
  await open('--health-port 9090 --config c.yaml'.split(' '));
  expect(requests).toStrictEqual([
    { models: [], engines: [] },
    { port: 0, host: '0.0.0.0', dataDir: 'd', models: ['a', 'b'], engines: ['echo', 'http://h:1/v1'] },
    { healthPort: 9090, config: 'c.yaml', models: [], engines: [] },
  ]);
});

test('a folder in use ends with one sentence', async () => {
  const host = new FakeHost({ args: ['up'] });
  const problem = new Problem('FAILED_PRECONDITION', 'Already running: pid 12, http://127.0.0.1:8080.', {
    reason: 'DATA_DIR_IN_USE',
  });
  expect(await runProgram(host, makeRoof({ up: () => Promise.reject(problem) }))).toBe(1);
  expect(host.stderr.text).toBe('✗ Already running: pid 12, http://127.0.0.1:8080. [DATA_DIR_IN_USE]\n');
});
