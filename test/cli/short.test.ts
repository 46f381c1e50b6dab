import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { MODEL, START_MS, startServer, type TestServer } from '../client/server.ts';
import { makeFolder } from '../support/folder.ts';
import { allIds, contentOf, idOf, makeRow, parseLines, readLines, writeRows } from '../support/rows.ts';
import { FakeHost } from './fake-host.ts';
import { makeRoof } from './fake-roof.ts';
import { makeHome, makeTyping } from './on-server.ts';

const BOATLOAD = fileURLToPath(new URL('../../bin/boatload.js', import.meta.url));
/** Rows that the engine refuses for now, and rows that it never answers. */
const refused = new Set<string>();
const unanswered = new Set<string>();
let server: TestServer;

beforeAll(async () => {
  const body = JSON.stringify({ error: { message: 'The prompt is too long.' } });
  server = await startServer({
    script: ({ marker }) => (refused.has(marker) ? { status: 400, body } : unanswered.has(marker) ? 'hang' : undefined),
    // The same rows are answered otherwise by a warm model.
    content: ({ marker, body: { temperature } }) => (temperature === 2 && marker === idOf(1) ? 'warm' : marker),
  });
}, START_MS);
afterAll(() => server?.close());

const type = makeTyping(() => server, 'boatload');

/** A file of rows, and a path for its answers. */
async function makeFiles(rows: number, toRow = makeRow) {
  const folder = await makeFolder();
  const [input, output] = [join(folder, 'My prompts (1).jsonl'), join(folder, 'answers.jsonl')];
  writeRows(input, rows, (row) => toRow(row));
  return { input, output, errors: join(folder, 'answers.errors.jsonl') };
}

test('submit uploads, starts, waits and saves the answers; the id is on stdout', async () => {
  const { input, output, errors } = await makeFiles(30);
  const seen = await type('submit', input, '--model', MODEL, '--max-tokens', '32', '-o', output);
  expect(seen).toMatchObject({ code: 0, stdout: expect.stringMatching(/^my-prompts-1-[a-z0-9]{4}\n$/) });
  expect(seen.stderr).toMatch(/✓ My prompts \(1\)\.jsonl → dataset my-prompts-1-\w+ {2}30 rows · [\d,]+ B\n✓ job /);
  expect(seen.stderr).toMatch(/✓ 30 ok in .* out tokens\n/);
  expect(readLines(output).map(contentOf)).toEqual(allIds(30));
  expect(existsSync(errors)).toBe(false);
  const job = JSON.parse((await type('job', seen.stdout.trim(), '--json')).stdout);
  expect(job).toMatchObject({ state: 'JOB_STATE_COMPLETED', inferenceParameters: { maxTokens: 32 } });
});

test('answers are not written over, unless that is said; then no old failures stay beside them', async () => {
  const { input, output, errors } = await makeFiles(2);
  const taken = { code: 2, stdout: '', stderr: expect.stringContaining('--force. [OUTPUT_EXISTS]') };
  writeFileSync(errors, 'old failures');
  expect(await type('submit', input, '-m', MODEL, '--name', 'careful', '-o', output)).toMatchObject(taken);
  expect(await type('job', 'careful')).toMatchObject({ code: 5 });
  expect((await type('submit', input, '-m', MODEL, '--name', 'careful', '-o', output, '--force')).code).toBe(0);
  expect([readLines(output).length, existsSync(errors)]).toEqual([2, false]);
  writeFileSync(output, 'old answers');
  expect(await type('results', 'careful', '-o', output)).toMatchObject(taken);
  expect(await type('retry', 'careful', '-o', output)).toMatchObject(taken);
  expect(readFileSync(output, 'utf8')).toBe('old answers');
  expect((await type('results', 'careful', '-o', output, '--force')).code).toBe(0);
  expect(readLines(output)).toHaveLength(2);
});

test('failed rows go beside the answers, retry runs just those, and the chain comes as one', async () => {
  const { input, output, errors } = await makeFiles(12);
  for (const row of [2, 5]) refused.add(idOf(row));
  const first = await type('submit', input, '-m', MODEL, '--name', 'partly', '-o', output);
  expect(first).toMatchObject({ code: 3, stderr: expect.stringContaining('✓ 10 ok, 2 failed') });
  expect(readLines(output)).toHaveLength(10);
  expect(readLines(errors).map(({ custom_id, error }) => [custom_id, error?.code])).toEqual(
    [2, 5].map((row) => [idOf(row), 400]),
  );
  expect((await type('watch', 'partly')).stderr).toContain('retry just those:  boatload retry partly');
  expect((await type('submit', input, '-m', MODEL, '--name', 'partly-2', '--wait', '--allow-failures')).code).toBe(0);

  refused.delete(idOf(5));
  expect(await type('retry', 'partly', '--name', 'partly-b', '--wait')).toMatchObject({ code: 3, stdout: 'partly-b\n' });
  refused.clear();
  const chain = await type('retry', 'partly-b', '--name', 'partly-c', '-o', output, '--force');
  expect(chain).toMatchObject({ code: 0, stderr: expect.stringContaining('✓ 1 ok in') });
  expect(readLines(output).map(({ custom_id }) => custom_id)).toEqual(allIds(12));
  expect(parseLines((await type('results', 'partly-c')).stdout).map(contentOf)).toEqual(allIds(12));
  expect(await type('retry', 'partly-c')).toMatchObject({ code: 1, stderr: expect.stringContaining('[NOTHING_TO_CONTINUE]') });

  const outputOf = async (id: string) =>
    JSON.parse((await type('job', id, '--json')).stdout)
      .outputDatasetId.split('/')
      .at(-1);
  for (const name of ['partly', 'partly-b', await outputOf('partly-c')]) {
    const { stdout } = await type('lineage', name);
    expect(stdout.replaceAll(/bij-\w+/g, 'bij-…').replaceAll(/ +/g, ' ')).toBe(
      [
        'JOB STATE ROWS ANSWERED FAILED MODEL OUTPUT DATASET',
        `partly COMPLETED 12 10 2 ${MODEL} partly-answers`,
        `└ partly-b COMPLETED 2 1 1 ${MODEL} bij-…`,
        ` └ partly-c COMPLETED 1 1 0 ${MODEL} bij-…`,
        'answered 12 of 12 rows (100 %)\n',
      ].join('\n'),
    );
  }
  const { rows, answered, path } = JSON.parse((await type('lineage', 'partly', '--json')).stdout);
  expect([rows, answered, path.map((name: string) => name.split('/').at(-1))]).toEqual([
    12,
    12,
    ['partly', 'partly-b', 'partly-c'],
  ]);
  expect(await type('lineage', 'partly-2-answers')).toMatchObject({
    stdout: expect.stringContaining('the rest:  boatload retry partly-2'),
  });
  expect(await type('lineage', 'partly-2')).toMatchObject({ stdout: expect.stringContaining('answered 10 of 12 rows (83 %)') });
  expect((await type('lineage', 'nothing')).code).toBe(5);
});

test('diff shows the rows that were answered otherwise, or by one of them only', async () => {
  const { input } = await makeFiles(6);
  await type('submit', input, '-m', MODEL, '--name', 'cold', '--wait');
  refused.add(idOf(4));
  await type('submit', input, '-m', MODEL, '--name', 'warm', '--temperature', '2', '--wait');
  refused.clear();
  expect(await type('diff', 'cold', 'cold')).toMatchObject({
    code: 0,
    stdout: '6 the same, 0 different, 0 in only one of them\n',
  });
  const { code, stdout } = await type('diff', 'cold', 'warm');
  expect({ code, stdout }).toEqual({
    code: 1,
    stdout: expect.stringContaining(`${idOf(1)}\n  a  "${idOf(1)}"\n  b  "warm"\n`),
  });
  expect(stdout).toContain('4 the same, 2 different, 0 in only one of them\n');
  const lines = parseLines<{ custom_id: string; a: unknown; b: unknown }>((await type('diff', 'cold', 'warm', '--json')).stdout);
  expect(lines.map(({ custom_id }) => custom_id).toSorted()).toEqual([idOf(1), idOf(4)]);
  expect(lines.find(({ custom_id }) => custom_id === idOf(4))?.b).toMatchObject({ error: expect.any(String) });
  const half = await makeFiles(3);
  await type('submit', half.input, '-m', MODEL, '--name', 'half', '--wait');
  expect((await type('diff', 'half', 'cold', '-n', '0')).stdout).toBe('3 the same, 0 different, 3 in only one of them\n');
});

test('a bad file is shown line by line, and can be skipped over', async () => {
  const { input, output, errors } = await makeFiles(3);
  writeFileSync(
    input,
    `${readFileSync(input, 'utf8')}{"custom_id":"bad","body":{"messages":[{"role":"nobody","content":"x"}]}}\nnot JSON\n`,
  );
  const seen = await type('submit', input, '-m', MODEL, '--wait');
  expect(seen.code).toBe(2);
  expect(seen.stderr).toContain('My prompts (1).jsonl has 2 bad lines, so nothing was run');
  expect(seen.stderr).toMatch(/line 4, column \d+ .*nobody/);
  expect(seen.stderr).toContain('line 5');
  expect((await type('submit', input, '-m', MODEL, '--skip-invalid', '-o', output)).code).toBe(3);
  expect([readLines(output).length, readLines(errors).length]).toEqual([3, 2]);
});

test('a job that can not begin leaves nothing behind', async () => {
  const { input } = await makeFiles(1);
  const seen = await type('submit', input, '-m', 'no-such-model', '--name', 'orphan');
  expect(seen).toMatchObject({ code: 5, stderr: expect.stringContaining('[MODEL_NOT_FOUND]') });
  expect((await type('get', 'dataset', 'orphan')).stderr).toContain('[DATASET_NOT_FOUND]');
  expect((await type('submit', join(input, '..', 'nothing.jsonl'), '-m', MODEL)).code).toBe(5);
});

test('jobs lists the newest first; job says why; cancel keeps what is finished', async () => {
  const ask = (row: number) => ({ custom_id: idOf(row), body: { messages: [{ role: 'user', content: `[[long-${row}]]` }] } });
  const { input, output } = await makeFiles(8, ask);
  unanswered.add('long-7');
  expect((await type('submit', input, '-m', MODEL, '--name', 'long')).code).toBe(0);
  await server.engine.until(() => allIds(7).every((_, row) => server.engine.calls.get(`long-${row}`)?.answered === 1));
  expect((await type('jobs', '-n', '1')).stdout).toMatch(/^JOB +STATE +DONE +ROWS +FAILED +MODEL +AGE\nlong +\w+ +/);
  expect((await type('jobs', '--json')).stdout.split('\n')[0]).toContain('batchInferenceJobs/long"');
  expect((await type('cancel', 'long')).stderr).toMatch(
    /✓ long is \w+; what it has finished is kept\n {2}go on later: {2}boatload retry long/,
  );
  const ended = await type('watch', 'long');
  expect(ended).toMatchObject({ code: 1, stderr: expect.stringMatching(/✗ cancelled: 7 ok, 0 failed, 1 unfinished in/) });
  unanswered.clear();
  await type('results', 'long', '-o', output);
  expect(readLines(output)).toHaveLength(7);
  expect((await type('job', 'long', '--why')).stdout).toMatch(
    /^long is CANCELLED.*\n( {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}.+\n)+$/,
  );
  expect((await type('job', 'long')).stdout).toContain('State: JOB_STATE_CANCELLED\n');
  expect(await type('cancel', 'cold')).toMatchObject({ code: 1, stderr: expect.stringContaining('[JOB_ENDED]') });
});

test('Ctrl-C stops watching, and the job goes on', async () => {
  const { input } = await makeFiles(1, () => ({ custom_id: 'a', body: { messages: [{ role: 'user', content: '[[never]]' }] } }));
  unanswered.add('never');
  await type('submit', input, '-m', MODEL, '--name', 'watched');
  const host = new FakeHost({ args: ['watch', 'watched'], env: { HOME: makeHome(), BOATLOAD_DATA_DIR: server.dataDir } });
  const watching = runProgram(host, makeRoof({}));
  await host.stderr.says('running');
  host.signal('SIGINT');
  expect(await watching).toBe(130);
  expect(host.stderr.text).toContain('the job goes on; watch it again:  boatload watch watched');
  expect(host.leftovers).toBe(0);
  expect(JSON.parse((await type('job', 'watched', '--json')).stdout).state).toBe('JOB_STATE_RUNNING');
  unanswered.clear();
  await type('cancel', 'watched');
});

test('a reader that has seen enough ends the results quietly', async () => {
  const { input } = await makeFiles(1_000);
  expect((await type('submit', input, '-m', MODEL, '--name', 'much', '--wait')).code).toBe(0);
  const folder = await makeFolder();
  const command = `"${process.execPath}" "${BOATLOAD}" results much | head -1`;
  const env = { ...process.env, BOATLOAD_DATA_DIR: server.dataDir, HOME: folder };
  const { stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8', env });
  expect([parseLines(stdout).map(({ custom_id }) => custom_id), stderr]).toEqual([[idOf(0)], '']);
});

test('exit codes tell what is missing', async () => {
  expect((await type('watch', 'nothing')).code).toBe(5);
  expect((await type('jobs', '--api-key', 'bl_wrong')).code).toBe(4);
  expect((await type('jobs', '--base-url', 'nowhere')).code).toBe(2);
  expect((await type('jobs', '--base-url', 'http://127.0.0.1:9', '--api-key', 'k')).code).toBe(1);
  expect((await type('diff', 'one')).code).toBe(2);
  expect((await type('submit', 'x.jsonl')).stderr).toContain("required option '-m, --model <model>' not specified");
});
