import { expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { FakeHost } from './fake-host.ts';
import { makeRoof } from './fake-roof.ts';

/** Types a command that opens no door. */
async function type(args: readonly string[]) {
  const host = new FakeHost({ args });
  const code = await runProgram(host, makeRoof({}));
  return { code, stdout: host.stdout.text, stderr: host.stderr.text };
}

const RUN = ['run', 'in.jsonl', '-o', 'out.jsonl'];

test.each([[[]], [['--help']], [['help']], [['run', '--help']], [['up', '-h']]])(
  'help for %j begins with examples',
  async (args) => {
    const seen = await type(args);
    expect(seen).toMatchObject({ code: 0, stderr: '' });
    expect(seen.stdout).toMatch(/^Examples:\n/);
    expect(seen.stdout).toMatchSnapshot();
  },
);

test.each(['-v', '--version'])('%s prints all versions', async (flag) => {
  expect(await type([flag])).toEqual({ code: 0, stdout: 'boatload 0.1.0\nengine   llama.cpp b1\nschema   3\n', stderr: '' });
});

test.each([
  [['rnu']],
  [[...RUN, '--modle', 'x']],
  [['run', 'in.jsonl']],
  [['run', '-o', 'out.jsonl']],
  [['run', '', '-o', 'out.jsonl']],
  [[...RUN, 'more.jsonl']],
  [[...RUN, '--model']],
  [[...RUN, '--max-tokens', '0']],
  [[...RUN, '--max-tokens', '2147483648']],
  [[...RUN, '--max-tokens', '12.5']],
  [[...RUN, '--temperature', '2.01']],
  [[...RUN, '--temperature', '-1']],
  [[...RUN, '--temperature', 'warm']],
  [[...RUN, '--temperature', '']],
  [[...RUN, '--temperature', '0x1']],
  [[...RUN, '--top-p', '1.1']],
  [[...RUN, '--top-k', '101']],
  [[...RUN, '--n', '129']],
  [[...RUN, '--n', 'NaN']],
  [[...RUN, '--concurrency', '0']],
  [[...RUN, '--extra-body', '[1]']],
  [[...RUN, '--extra-body', '{"stop":']],
  [[...RUN, '--engine', 'localhost:8000']],
  [['run', 'in.jsonl', '-o', '-', '--json']],
  [['run', '-', '-o', 'out.jsonl', '--engine-key-file', '-']],
  [['run', './a/../in.jsonl', '-o', 'in.jsonl']],
  [['up', '--port', '65536']],
  [['up', '--engine', 'ftp://h']],
])('%j is wrong usage: it says what was expected, and opens nothing', async (args) => {
  const seen = await type(args);
  expect(seen).toMatchObject({ code: 2, stdout: '' });
  expect(seen.stderr).toMatch(/^✗ .*\n(.*\n)? {2}See: {2}boatload( run| up)? --help\n$/);
  expect(seen.stderr).toMatchSnapshot();
});
