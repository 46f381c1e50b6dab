import { expect, test } from 'vitest';
import type { Finding } from '../../src/cli/doors.ts';
import { runProgram } from '../../src/cli/program.ts';
import { FakeHost } from './fake-host.ts';
import { makeRoof } from './fake-roof.ts';

const finding = (check: string, changes: Partial<Finding> = {}): Finding => ({
  check,
  level: 'ok',
  code: 'OK',
  message: `${check} is as it should be`,
  remedy: null,
  details: {},
  ...changes,
});

const SLOW = finding('disk', { level: 'warning', code: 'DISK_SLOW', message: 'It is slow.', remedy: 'Take another.' });
const TAKEN = finding('ports', { level: 'fault', code: 'PORT_TAKEN', message: 'It is taken. Choose another one.' });

async function type(args: readonly string[], findings: readonly Finding[]) {
  const host = new FakeHost({ args: ['doctor', ...args] });
  const asked: unknown[] = [];
  const roof = makeRoof({
    examine: async (request) => {
      asked.push(request);
      return findings;
    },
  });
  return { code: await runProgram(host, roof), stdout: host.stdout.text, stderr: host.stderr.text, asked };
}

test('nothing wrong: a line for each, and 0', async () => {
  expect(await type([], [finding('node'), finding('memory')])).toMatchObject({
    code: 0,
    stdout: '✓ node    node is as it should be\n✓ memory  memory is as it should be\nNothing is wrong.\n',
    stderr: '',
  });
});

test('warnings alone end with 0, a fault with 1; each with its code and what to do', async () => {
  const warned = await type([], [finding('node'), SLOW]);
  expect(warned).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/! disk {2}It is slow. \[DISK_SLOW\]\n {8}Take another.\n1 warning.\n$/),
  });
  const failed = await type([], [SLOW, TAKEN]);
  expect(failed).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/✗ ports {2}It is taken.*\[PORT_TAKEN\]\n1 fault, 1 warning.\n$/),
  });
});

test('--json is one line, and the flags are those of a server', async () => {
  const { code, stdout, asked } = await type(
    ['--json', '-p', '9000', '--engine', 'http://gpu/v1', '--config', 'c.yaml'],
    [TAKEN],
  );
  expect({ code, reply: JSON.parse(stdout) }).toEqual({ code: 1, reply: { ok: false, findings: [TAKEN] } });
  expect(asked).toEqual([{ port: 9000, engines: ['http://gpu/v1'], models: [], through: [], config: 'c.yaml' }]);
});
