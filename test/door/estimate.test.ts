import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { startHttpEngine } from '../support/http-engine.ts';
import { boatload, startBoatload } from '../support/program.ts';
import { makeRow, writeRows } from '../support/rows.ts';

const PRICES = { currencyCode: 'EUR', models: { 'test-model': { inputPerMillion: 2, outputPerMillion: 4 } } };

test('a sample tells tokens, time and cost; only its rows are asked, spread over the file, and nothing is written', async () => {
  const cwd = await makeFolder();
  const asked: string[] = [];
  const engine = await startHttpEngine({
    script: ({ marker }) => {
      asked.push(marker);
      return undefined;
    },
  });
  onTestFinished(() => engine.close());
  writeRows(join(cwd, 'in.jsonl'), 400);
  writeFileSync(join(cwd, 'prices.json'), JSON.stringify(PRICES));
  const env = { BOATLOAD_PRICES: join(cwd, 'prices.json') };
  const run = ['run', 'in.jsonl', '--engine', engine.url, '--model', 'test-model', '--max-tokens', '9'];
  const { code, stdout } = await boatload([...run, '--estimate', '--sample', '4', '--json'], { cwd, env });
  const estimate = JSON.parse(stdout);
  expect(code).toBe(0);
  expect(asked.toSorted()).toEqual(['row-00050', 'row-00150', 'row-00250', 'row-00350']);
  expect(estimate).toMatchObject({ rows: 400, basis: 'SAMPLE', maxOutputTokens: 3_600, sample: { rows: 4, failed: 0 } });
  expect(estimate.durationMs).toBeGreaterThan(0);
  const nanos = estimate.inputTokens * 1_000 + estimate.outputTokens * 2_000;
  expect(estimate.cost).toEqual({ currencyCode: 'EUR', units: '0', nanos });
  expect(readdirSync(cwd).toSorted()).toEqual(['in.jsonl', 'prices.json']);

  // All rows of this file are alike: the whole run has used what the sample told.
  const { stdout: summary } = await boatload([...run, '-o', 'out.jsonl', '--json'], { cwd });
  // As the limit of the output counts it.
  const { size } = statSync(join(cwd, 'out.jsonl'));
  expect(estimate.outputBytes).toBeGreaterThan(size * 0.95);
  expect(estimate.outputBytes).toBeLessThan(size * 1.05);
  const { inputTokens, outputTokens } = JSON.parse(summary);
  expect(estimate).toMatchObject({ inputTokens, outputTokens });
});

test('without a sample no engine is needed; an input that can not be run is refused as the run would', async () => {
  const cwd = await makeFolder();
  writeRows(join(cwd, 'in.jsonl'), 3);
  const { code, stdout } = await boatload(['run', 'in.jsonl', '--estimate', '--engine', 'http://127.0.0.1:9', '--json'], { cwd });
  expect({ code, estimate: JSON.parse(stdout) }).toMatchObject({
    code: 0,
    estimate: { rows: 3, basis: 'INPUT', outputTokens: null },
  });
  writeRows(join(cwd, 'twice.jsonl'), 3, () => makeRow(1));
  const refused = await boatload(['run', 'twice.jsonl', '--estimate'], { cwd });
  expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('twice.jsonl has 2 bad lines') });
});

test('rows too long for a model that is a file, and results that may reach the limit, are told without an engine', async () => {
  const cwd = await makeFolder();
  const contents = ['short', 'far too long '.repeat(200), 'short, too'];
  writeRows(join(cwd, 'in.jsonl'), 3, (row) => makeRow(row, { messages: [{ role: 'user', content: contents[row] }] }));
  const run = ['run', 'in.jsonl', '--estimate', '--model', 'tickets'];
  const env = { BOATLOAD_MAX_OUTPUT_BYTES: '5000' };
  // Our own engine cuts answers to the room that is left: what they ask for makes no row too long.
  const plain = JSON.parse((await boatload([...run, '--max-tokens', '512', '--json'], { cwd, env })).stdout);
  expect(plain).toMatchObject({ contextLength: 512, longRows: 1, outputBytes: null, outputLimitBytes: 5_000 });
  expect(plain.maxOutputBytes).toBe(3 * 470 + 3 * 512 * 4);
  const system = ['--system-prompt', 'long '.repeat(500)];
  expect(JSON.parse((await boatload([...run, ...system, '--json'], { cwd })).stdout)).toMatchObject({ longRows: 3 });
  const { stdout } = await boatload([...run, '--max-tokens', '512'], { cwd, env });
  expect(stdout).toContain('up to 7,554 B where answers are as long as they may be, which reaches 5,000 B');
  expect(stdout).toContain('1 row may not fit: the model takes 512 tokens');
  expect(readdirSync(cwd)).toEqual(['in.jsonl']);
});

test('where answers count no tokens they are not known: nothing is said to be 0', async () => {
  const cwd = await makeFolder();
  const engine = await startHttpEngine({ script: () => ({ status: 200, body: '{"choices":[]}' }) });
  onTestFinished(() => engine.close());
  writeRows(join(cwd, 'in.jsonl'), 3);
  const run = ['run', 'in.jsonl', '--estimate', '--engine', engine.url];
  const [text, sampled] = [
    await boatload([...run, '--json'], { cwd }),
    await boatload([...run, '--sample', '2', '--json'], { cwd }),
  ];
  const { inputTokens } = JSON.parse(text.stdout);
  expect(inputTokens).toBeGreaterThan(0);
  expect(JSON.parse(sampled.stdout)).toMatchObject({ inputTokens, outputTokens: null, sample: { rows: 2, failed: 0 } });
});

test('Ctrl-C in the midst of a sample ends it without an estimate', async () => {
  const cwd = await makeFolder();
  const asked = Promise.withResolvers<void>();
  const engine = await startHttpEngine({
    script: ({ count }) => {
      if (count === 1) return undefined;
      asked.resolve();
      return 'hang';
    },
  });
  onTestFinished(() => engine.close());
  writeRows(join(cwd, 'in.jsonl'), 3);
  const program = startBoatload(['run', 'in.jsonl', '--estimate', '--engine', engine.url, '--sample', '2'], { cwd });
  await asked.promise;
  program.signal('SIGINT');
  expect(await program.ended).toMatchObject({ code: 130, stdout: '' });
});
