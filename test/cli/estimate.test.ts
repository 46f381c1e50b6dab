import { expect, test } from 'vitest';
import type { RunEstimate } from '../../src/cli/doors.ts';
import { runProgram } from '../../src/cli/program.ts';
import { FakeHost } from './fake-host.ts';
import { makeRoof } from './fake-roof.ts';

const TEXT_ALONE: RunEstimate = {
  rows: 1_000,
  bytes: 412_000,
  format: 'fireworks',
  basis: 'INPUT',
  inputTokens: 103_000,
  outputTokens: null,
  maxOutputTokens: 64_000,
  durationMs: null,
  outputBytes: null,
  maxOutputBytes: 726_000,
  outputLimitBytes: 8_589_934_592,
  contextLength: null,
  longRows: null,
  cost: null,
  sample: null,
};

async function type(args: readonly string[], estimate: RunEstimate) {
  const host = new FakeHost({ args: ['run', 'prompts.jsonl', ...args] });
  const asked: unknown[] = [];
  const roof = makeRoof({
    estimate: async (request) => {
      asked.push(request);
      return estimate;
    },
  });
  return { code: await runProgram(host, roof), stdout: host.stdout.text, stderr: host.stderr.text, asked };
}

test('from the text alone: no output is named, and what is not known is said', async () => {
  const { code, stdout, asked } = await type(['--estimate', '--model', 'tickets', '--max-tokens', '64'], TEXT_ALONE);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: [
      'prompts.jsonl  1,000 rows · 0.4 MB · estimated from its text',
      '  tokens  about 103 K in / at most 64 K out',
      '  time    not known; --sample 8 answers 8 rows to tell',
      '  cost    not known before the answers are: --sample 8',
      '',
    ].join('\n'),
  });
  expect(asked).toMatchObject([{ input: 'prompts.jsonl', model: 'tickets', settings: { maxTokens: 64 } }]);
  expect(asked[0]).not.toHaveProperty('sampleRows');
});

test('from a sample, with prices; as JSON the same', async () => {
  const cost = { currencyCode: 'EUR', units: '1', nanos: 234_567_890 };
  const sampled: RunEstimate = {
    ...{ ...TEXT_ALONE, basis: 'SAMPLE', outputTokens: 51_000, durationMs: 85_000, outputBytes: 674_000, cost },
    sample: { rows: 8, failed: 1 },
  };
  const { stdout, asked } = await type(['--estimate', '--sample', '8'], sampled);
  expect(stdout).toMatch(
    /from 8 rows of it, 1 failed\n.*103 K in \/ about 51 K, at most 64 K out\n.*about 1m 25s\n.*about 1.23 EUR\n {2}output {2}about 0\.7 MB\n$/,
  );
  expect(asked).toMatchObject([{ sampleRows: 8 }]);
  const { stdout: json } = await type(['--estimate', '--sample', '8', '--json'], sampled);
  expect(JSON.parse(json)).toEqual(sampled);
});

test('results that reach the limit of a run and rows that do not fit the model are told', async () => {
  const [most, sampled] = [
    await type(['--estimate'], { ...TEXT_ALONE, maxOutputBytes: 9e9, contextLength: 4_096, longRows: 12 }),
    await type(['--estimate', '--sample', '8'], { ...TEXT_ALONE, outputBytes: 8_589_934_592, contextLength: 4_096, longRows: 0 }),
  ];
  expect(most.stdout).toMatch(/ {2}output {2}up to 9\.0 GB where answers are as long as they may be, which reaches 8\.6 GB/);
  expect(most.stdout).toContain('  context 12 rows may not fit: the model takes 4,096 tokens of prompt and answer.');
  expect(sampled.stdout).toContain('  output  about 8.6 GB, which reaches 8.6 GB, where a run ends with what it has');
  expect(sampled.stdout).not.toContain('context');
});

test.each([
  [['-o', 'out.jsonl', '--sample', '3'], '--sample belongs to --estimate'],
  [['--estimate', '--sample', '0'], 'Expected a whole number from 1 to 1000.'],
])('%j is wrong usage', async (args, words) => {
  const { code, stderr, asked } = await type(args, TEXT_ALONE);
  expect({ code, asked }).toEqual({ code: 2, asked: [] });
  expect(stderr).toContain(words);
});
