import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Problem } from '../../src/base/problem.ts';
import type { Doors, RunRequest } from '../../src/cli/doors.ts';
import { runProgram } from '../../src/cli/program.ts';
import { FakeHost, type FakeOptions } from './fake-host.ts';
import { makeRoof, makeSummary, withFailures } from './fake-roof.ts';

const ARGS = ['run', 'in/prompts.jsonl', '-o', 'answers.jsonl'];

/** Types a command and answers all that can be seen of it. */
async function type(options: FakeOptions, run?: Doors['run']) {
  const host = new FakeHost(options);
  const code = await runProgram(host, makeRoof(run === undefined ? {} : { run }));
  expect(host.leftovers).toBe(0);
  return { code, stdout: host.stdout.text, stderr: host.stderr.text };
}

/** The request that a command line becomes. */
async function requestOf(args: readonly string[], env: Record<string, string> = {}) {
  const requests: RunRequest[] = [];
  const seen = await type({ args, env }, async (request) => {
    requests.push(request);
    return makeSummary();
  });
  expect(seen).toMatchObject({ code: 0, stdout: '' });
  return requests[0];
}

test('a run on a pipe tells every step and a JSON line every ten seconds', async () => {
  const host = new FakeHost({ args: ARGS });
  const run: Doors['run'] = async (_request, view) => {
    view.opened({ version: '0.1.0', nodeVersion: '24.21.0', cores: 2, memoryBytes: 24 * 2 ** 30 });
    view.validated({ rows: 1_000, bytes: 412_000, format: 'fireworks', estimatedTokens: 118_204 });
    view.engineReady({ name: 'llama.cpp tickets', slots: 4, contextLength: 4_096, ms: 1_400 });
    const tokens = { inputTokens: 2_000, outputTokens: 6_400, cachedTokens: 0, doneBefore: 0 };
    view.progress({ total: 1_000, ok: 0, failed: 0, ...tokens, outputTokens: 0, elapsedMs: 0 });
    host.pass(9_999);
    view.notice('http://gpu-1:8000/v1 went away; its rows wait for it.');
    view.progress({ total: 1_000, ok: 118, failed: 2, ...tokens, elapsedMs: 9_999 });
    host.pass(1);
    return makeSummary({ ...withFailures });
  };
  const code = await runProgram(host, makeRoof({ run }));
  expect({ code, stdout: host.stdout.text, leftovers: host.leftovers }).toEqual({ code: 3, stdout: '', leftovers: 0 });
  expect(host.stderr.text).toMatchInlineSnapshot(`
    "boatload 0.1.0 · node 24.21.0 · 2 cores, 24 GB
    ✓ prompts.jsonl  1,000 rows · 0.4 MB · ids unique · est. 118 K tokens in
    ✓ engine ready in 1.4 s · llama.cpp tickets · 4 slots · context 4,096
    ! http://gpu-1:8000/v1 went away; its rows wait for it.
    {"event":"progress","total":1000,"ok":118,"failed":2,"inputTokens":2000,"outputTokens":6400,"cachedTokens":0,"doneBefore":0,"elapsedMs":9999,"rowsPerSecond":12,"tokensPerSecond":640,"etaSeconds":73}
    ✓ 997 ok, 3 failed in 1m 25s · 118,204 in / 54,911 out tokens
      answers.jsonl         997 rows
      answers.errors.jsonl    3 rows   2 × context_length_exceeded, 1 × total-timeout
        context_length_exceeded: The prompt has 5,120 tokens, the context 4,096.
        total-timeout: No answer within 3,600 s.
      retry just those:  boatload run in/prompts.jsonl -o answers.jsonl --resume
    "
  `);
});

test('a resumed run says how much is done, and where it guessed, what', async () => {
  const seen = await type({ args: ['run', '-', '-o', '-'] }, async (_request, view) => {
    view.validated({ rows: 1, bytes: 12, format: 'bare', estimatedTokens: 3 });
    view.validated({ rows: 12_000, bytes: 52_000_000, format: 'openai', estimatedTokens: 13_000_000, resumed: { done: 11_000 } });
    view.engineReady({ name: 'echo', ms: 3 });
    return makeSummary({ ...withFailures, output: '-', errors: '/home/ann/work/out/stdin.errors.jsonl', cachedTokens: 50_000 });
  });
  expect(seen).toMatchObject({ code: 3, stdout: '' });
  expect(seen.stderr).toMatchInlineSnapshot(`
    "✓ stdin  1 row · 12 B · bare lines, numbered row-1, row-2 … · est. 3 tokens in
    ✓ stdin  12,000 rows · 52 MB · OpenAI batch lines · ids unique · est. 13.0 M tokens in
      going on: 11,000 done before, 1,000 to go
    ✓ engine ready in 3 ms · echo
    ✓ 997 ok, 3 failed in 1m 25s · 118,204 in (42 % cached) / 54,911 out tokens
      out/stdin.errors.jsonl  3 rows   2 × context_length_exceeded, 1 × total-timeout
        context_length_exceeded: The prompt has 5,120 tokens, the context 4,096.
        total-timeout: No answer within 3,600 s.
      retry just those:  boatload run - -o - --resume
    "
  `);
});

test('every flag reaches the door, and absent ones stay absent', async () => {
  expect(await requestOf(ARGS)).toStrictEqual({
    input: 'in/prompts.jsonl',
    output: 'answers.jsonl',
    settings: {},
    resume: false,
    keep: false,
    assumeYes: false,
  });
  const all =
    '--model m --engine https://h/v1 --concurrency 8 --max-tokens 256 --temperature 0.7 --top-p 1 --top-k 0 --n 2 --resume --keep --yes';
  expect(
    await requestOf([...ARGS, ...all.split(' '), '--extra-body', '{"stop":["x"]}', '--system-prompt', 'Be brief.']),
  ).toStrictEqual({
    input: 'in/prompts.jsonl',
    output: 'answers.jsonl',
    model: 'm',
    engine: 'https://h/v1',
    concurrency: 8,
    settings: { maxTokens: 256, temperature: 0.7, topP: 1, topK: 0, n: 2, extraBody: { stop: ['x'] }, systemPrompt: 'Be brief.' },
    resume: true,
    keep: true,
    assumeYes: true,
  });
});

test('the key of the engine comes from a file, from stdin or from the environment, in this order', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'boatload-cli-')), 'key');
  writeFileSync(file, 'from-file\n');
  const env = { BOATLOAD_ENGINE_KEY: 'from-env' };
  expect(await requestOf([...ARGS, '--engine-key-file', file], env)).toMatchObject({ apiKey: 'from-file' });
  expect(await requestOf(ARGS, env)).toMatchObject({ apiKey: 'from-env' });
  const host = new FakeHost({ args: [...ARGS, '--engine-key-file', '-'] });
  host.stdin.end('from-stdin\n');
  const keys: (string | undefined)[] = [];
  const run: Doors['run'] = async ({ apiKey }) => {
    keys.push(apiKey);
    return makeSummary();
  };
  expect(await runProgram(host, makeRoof({ run }))).toBe(0);
  expect(keys).toEqual(['from-stdin']);
});

test('a key that is not there or can not be a key is refused without being shown', async () => {
  expect(await type({ args: [...ARGS, '--engine-key-file', '/nowhere/key'] })).toMatchObject({
    code: 5,
    stderr:
      "✗ Can't read the engine's key: ENOENT: no such file or directory, open '/nowhere/key'. [ENGINE_KEY_FILE_NOT_READABLE]\n",
  });
  const torn = await type({ args: ARGS, env: { BOATLOAD_ENGINE_KEY: 'sk-1\nsk-2' } });
  expect(torn.code).toBe(2);
  expect(torn.stderr).toContain('in one piece');
  expect(torn.stderr).not.toContain('sk-');
});

test.each([
  ['every row succeeded', {}, [], 0],
  ['failed rows', withFailures, [], 3],
  ['failed rows that are allowed', withFailures, ['--allow-failures'], 0],
  ['out of time', { outcome: 'EXPIRED', ok: 600, unfinished: 400 }, [], 6],
  ['gave up', { outcome: 'FAILED', ok: 0, unfinished: 1_000, message: 'The engine refuses the key.' }, [], 1],
  ['cancelled', { outcome: 'CANCELLED', ok: 0, unfinished: 1_000 }, [], 1],
  ['stopped', { outcome: 'STOPPED', ok: 702, unfinished: 298 }, [], 130],
] as const)('a run that ended with %s has its own last lines and exit code', async (_name, changes, flags, code) => {
  const seen = await type({ args: [...ARGS, ...flags, '--system-prompt', "Don't."] }, async () => makeSummary(changes));
  expect(seen.code).toBe(code);
  expect(seen.stderr).toMatchSnapshot();
});

test('--json puts the summary alone on stdout, and a refusal as an object', async () => {
  const ended = await type({ args: [...ARGS, '--json'] }, async () => makeSummary(withFailures));
  expect(ended.code).toBe(3);
  expect(JSON.parse(ended.stdout)).toEqual(makeSummary(withFailures));
  expect(ended.stdout.split('\n')).toHaveLength(2);

  const problem = new Problem('NOT_FOUND', 'There is no file.', { reason: 'INPUT_NOT_FOUND', details: { path: 'x' } });
  const refused = await type({ args: [...ARGS, '--json'] }, () => Promise.reject(problem));
  expect(refused.code).toBe(5);
  expect(JSON.parse(refused.stdout)).toEqual({
    error: { code: 'NOT_FOUND', reason: 'INPUT_NOT_FOUND', message: 'There is no file.', details: { path: 'x' } },
  });
});

test.each([
  ['INVALID_ARGUMENT', 2],
  ['OUT_OF_RANGE', 2],
  ['ALREADY_EXISTS', 2],
  ['UNAUTHENTICATED', 4],
  ['PERMISSION_DENIED', 4],
  ['NOT_FOUND', 5],
  ['DEADLINE_EXCEEDED', 6],
  ['CANCELLED', 130],
  ['RESOURCE_EXHAUSTED', 1],
  ['FAILED_PRECONDITION', 1],
  ['UNAVAILABLE', 1],
  ['DATA_LOSS', 1],
  ['INTERNAL', 1],
] as const)('a problem %s ends with %i and its own words', async (problemCode, code) => {
  const seen = await type({ args: ARGS }, () => Promise.reject(new Problem(problemCode, 'Do this.', { reason: 'THAT' })));
  expect(seen).toEqual({ code, stdout: '', stderr: '✗ Do this. [THAT]\n' });
});

test('a defect apologises, and shows where it happened only when asked', async () => {
  const defect = () => Promise.reject(new TypeError('x is not a function'));
  const short = await type({ args: ARGS }, defect);
  expect(short.code).toBe(1);
  expect(short.stderr).toMatchInlineSnapshot(`
    "✗ Sorry, that is a defect in boatload, not in what you asked:
      TypeError: x is not a function
      Please report it: the lines above, the command, and what \`boatload --version\` prints.
      BOATLOAD_DEBUG=1 shows where it happened.
    "
  `);
  const long = await type({ args: ARGS, env: { BOATLOAD_DEBUG: '1' } }, defect);
  expect(long.stderr).toMatch(/TypeError: x is not a function\n +at /);
});

test('the first Ctrl-C stops and saves, an echo of it is nothing, and a second one ends it at once', async () => {
  const host = new FakeHost({ args: ARGS });
  const run: Doors['run'] = async (_request, _view, stop) => {
    host.signal('SIGINT');
    expect(stop.aborted).toBe(true);
    // npm passes on what the terminal has sent to us already.
    host.signal('SIGINT');
    expect(host.exits).toEqual([]);
    host.pass(500);
    host.signal('SIGINT');
    expect(host.exits).toEqual([130]);
    return makeSummary({ outcome: 'STOPPED', ok: 702, unfinished: 298 });
  };
  expect(await runProgram(host, makeRoof({ run }))).toBe(130);
  expect(host.stderr.text.match(/saving…/g)).toHaveLength(1);
});

test('SIGTERM is like the first Ctrl-C, and an aborted door is no defect', async () => {
  const host = new FakeHost({ args: ARGS });
  const run: Doors['run'] = async (_request, _view, stop) => {
    host.signal('SIGTERM');
    return Promise.reject(stop.reason);
  };
  expect(await runProgram(host, makeRoof({ run }))).toBe(130);
  expect(host.stderr.text).toBe('saving…  (Ctrl-C again stops at once)\n');
});

test('bad lines are listed, all that were kept, by what to do about them', async () => {
  const lines = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const remedy = 'Give every line a custom_id of its own.';
  const badLines = [
    { line: 2, column: 14, message: "Expected ',' or '}' after the value.", remedy: 'Put a comma between the fields.' },
    ...lines(4, 9).map((line) => ({ line, message: 'custom_id is missing.', remedy })),
    { line: 12, message: 'custom_id "a" is also on line 3.', remedy },
    { line: 11, message: 'custom_id is missing.', remedy },
  ];
  const problem = new Problem('INVALID_ARGUMENT', 'Dataset has a syntax error: …', {
    reason: 'INVALID_DATASET',
    details: { file: 'in/prompts.jsonl', count: 4_009, badLines },
  });
  const seen = await type({ args: ARGS }, () => Promise.reject(problem));
  expect(seen.code).toBe(2);
  expect(seen.stderr).toMatchInlineSnapshot(`
    "✗ in/prompts.jsonl has 4,009 bad lines, so nothing was run

      line 2, column 14  Expected ',' or '}' after the value.
      → Put a comma between the fields.

      lines 4–9, 11  custom_id is missing.
      line 12  custom_id "a" is also on line 3.
      → Give every line a custom_id of its own.

      The first 9 are listed; 4,000 more are bad.
    "
  `);
});

test('a download is asked for only where somebody can answer', async () => {
  const ask: Doors['run'] = async (_request, view) =>
    makeSummary({ message: String(await view.askDownload('Download 0.6 GB?')) });
  const piped = await type({ args: ARGS }, ask);
  expect(piped).toMatchObject({ code: 2 });
  expect(piped.stderr).toMatchInlineSnapshot(`
    "✗ Download 0.6 GB? There is nobody to ask here; say yes beforehand:  boatload run in/prompts.jsonl -o answers.jsonl --yes [CONFIRMATION_NEEDED]
    "
  `);
  expect((await type({ args: [...ARGS, '--yes'] }, ask)).stderr).toContain('  true\n');
});

test.each([
  ['\n', 'true'],
  ['Y\n', 'true'],
  ['n\n', 'false'],
  ['later\n', 'false'],
])('at a terminal %j means %s', async (typed, answer) => {
  const host = new FakeHost({ args: ARGS, columns: 100 });
  const run: Doors['run'] = async (_request, view) =>
    makeSummary({ message: String(await view.askDownload('Download 0.6 GB?')) });
  host.stdin.write(typed);
  expect(await runProgram(host, makeRoof({ run }))).toBe(0);
  expect(host.stderr.text).toContain('Download 0.6 GB? [Y/n] ');
  expect(host.stderr.text).toContain(`  ${answer}\n`);
});

test('Ctrl-C at a question means no, and so does the end of the input', async () => {
  for (const leave of [(host: FakeHost) => host.signal('SIGINT'), (host: FakeHost) => host.stdin.end()]) {
    const host = new FakeHost({ args: ARGS, columns: 100 });
    const run: Doors['run'] = async (_request, view) => {
      const answer = view.askDownload('Download?');
      leave(host);
      return makeSummary({ message: String(await answer) });
    };
    await runProgram(host, makeRoof({ run }));
    expect(host.stderr.text).toContain('  false\n');
  }
});
