import { expect, test } from 'vitest';
import type { Doors, RunProgress } from '../../src/cli/doors.ts';
import { runProgram } from '../../src/cli/program.ts';
import { FakeHost } from './fake-host.ts';
import { makeRoof, makeSummary } from './fake-roof.ts';
import { screenOf } from './terminal.ts';

const ARGS = ['run', 'prompts.jsonl', '-o', 'answers.jsonl'];
const at = (ok: number, failed: number, elapsedMs: number): RunProgress => ({
  total: 1_000,
  ok,
  failed,
  inputTokens: ok * 100,
  outputTokens: ok * 54,
  cachedTokens: 0,
  elapsedMs,
  doneBefore: 0,
});

/** Runs at a terminal; the door may look at the screen. */
async function watch(
  columns: number,
  door: (host: FakeHost, ...args: Parameters<Doors['run']>) => void,
  env: Record<string, string> = {},
) {
  const host = new FakeHost({ args: ARGS, columns, env });
  const run: Doors['run'] = async (...args) => {
    door(host, ...args);
    return makeSummary();
  };
  expect(await runProgram(host, makeRoof({ run }))).toBe(0);
  expect(host.leftovers).toBe(0);
  return host.stderr.text;
}

test('at a terminal one line moves below those that stay, and is gone at the end', async () => {
  const screens: string[] = [];
  const written = await watch(120, (host, _request, view) => {
    view.engineReady({ name: 'echo', ms: 1_400 });
    view.progress(at(0, 0, 0));
    for (let second = 1; second <= 60; second += 1) {
      view.progress(at(second * 12 - 3, 3, second * 1_000));
      host.pass(1_000);
    }
    screens.push(screenOf(host.stderr.text));
    view.notice('http://gpu-1:8000/v1 went away; its rows wait for it.');
    screens.push(screenOf(host.stderr.text));
  });
  expect(screens.join('\n---\n')).toMatchInlineSnapshot(`
    "✓ engine ready in 1.4 s · echo
    ██████████████░░░░░░ 720/1000  12.0 rows/s  645 tok/s  eta 23s  3 failed  (Ctrl-C saves and stops)
    ---
    ✓ engine ready in 1.4 s · echo
    ! http://gpu-1:8000/v1 went away; its rows wait for it.
    ██████████████░░░░░░ 720/1000  12.0 rows/s  645 tok/s  eta 23s  3 failed  (Ctrl-C saves and stops)"
  `);
  expect(screenOf(written)).toMatchInlineSnapshot(`
    "✓ engine ready in 1.4 s · echo
    ! http://gpu-1:8000/v1 went away; its rows wait for it.
    ✓ 1,000 ok in 1m 25s · 118,204 in / 54,911 out tokens
      answers.jsonl  1,000 rows"
  `);
});

test('the line is drawn at most ten times a second, however often it is told', async () => {
  let before = 0;
  const written = await watch(120, (host, _request, view) => {
    view.progress(at(0, 0, 0));
    before = host.stderr.text.length;
    for (let call = 1; call <= 1_000; call += 1) {
      view.progress(at(call, 0, call));
      host.pass(1);
    }
  });
  const drawn = written.slice(before).match(/rows\/s/g) ?? [];
  expect(drawn.length).toBeGreaterThan(1);
  expect(drawn.length).toBeLessThanOrEqual(10);
});

test('rows of an earlier run count as done, not as fast', async () => {
  await watch(120, (host, _request, view) => {
    view.progress({ ...at(900, 0, 2_000), doneBefore: 880 });
    host.pass(200);
    expect(screenOf(host.stderr.text)).toContain('██████████████████░░ 900/1000  9.1 rows/s  eta 11s  (Ctrl-C');
  });
});

test.each([100, 80, 60, 40, 30])('on %i columns the line fits, and always says what Ctrl-C does', async (columns) => {
  await watch(columns, (host, _request, view) => {
    host.pass(0);
    view.progress(at(0, 0, 0));
    host.pass(60_000);
    view.progress(at(700, 3, 60_000));
    host.pass(200);
    const screen = screenOf(host.stderr.text);
    expect(Math.max(...screen.split('\n').map((line) => line.length))).toBeLessThanOrEqual(columns);
    expect(screen).toMatchSnapshot();
  });
});

test('what takes long before or after the rows has a line of its own', async () => {
  await watch(100, (host, _request, view) => {
    view.busy({ what: '↓ model', bytes: 0, totalBytes: 604_000_000 });
    host.pass(10_000);
    view.busy({ what: '↓ model', bytes: 412_000_000, totalBytes: 604_000_000 });
    host.pass(800);
    expect(screenOf(host.stderr.text)).toBe('↓ model  ██████░░░░ 68 %  412 MB/604 MB  38 MB/s  eta 5s');
    view.busy({ what: 'checking stdin', bytes: 70_000_000 });
    expect(screenOf(host.stderr.text)).toBe('checking stdin  70 MB');
    view.validated({ rows: 2, bytes: 70_000_000, format: 'fireworks', estimatedTokens: 900 });
    expect(screenOf(host.stderr.text)).toBe('✓ prompts.jsonl  2 rows · 70 MB · ids unique · est. 900 tokens in');
  });
});

test('Ctrl-C is answered above the line, which goes on moving', async () => {
  await watch(120, (host, _request, view) => {
    view.progress(at(500, 0, 50_000));
    host.signal('SIGINT');
    expect(screenOf(host.stderr.text)).toBe(
      'saving…  (Ctrl-C again stops at once)\n██████████░░░░░░░░░░ 500/1000  10.0 rows/s  540 tok/s  eta 50s  (saving…)',
    );
  });
});

test.each([
  ['CI', { CI: 'true' }],
  ['a dumb terminal', { TERM: 'dumb' }],
])('%s is told in lines', async (_name, env) => {
  const written = await watch(
    120,
    (host, _request, view) => {
      view.progress(at(1, 0, 1_000));
      host.pass(20_000);
    },
    env,
  );
  expect(written.match(/"event":"progress"/g)).toHaveLength(2);
  expect(written).not.toContain('█');
});

const SGR = '\u001b[32m';
test.each([
  ['a terminal', 120, {}, true],
  ['NO_COLOR', 120, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
  ['an empty NO_COLOR', 120, { NO_COLOR: '' }, true],
  ['a dumb terminal', 120, { TERM: 'dumb' }, false],
  ['a pipe', undefined, {}, false],
  ['FORCE_COLOR on a pipe', undefined, { FORCE_COLOR: '1' }, true],
  ['FORCE_COLOR=0', 120, { FORCE_COLOR: '0' }, false],
] as const)('colours with %s', async (_name, columns, env, colored) => {
  const host = new FakeHost({ args: ARGS, env, ...(columns === undefined ? {} : { columns }) });
  await runProgram(host, makeRoof({ run: async () => makeSummary() }));
  expect(host.stderr.text.includes(SGR)).toBe(colored);
});
