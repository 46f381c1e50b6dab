import { execFileSync, spawnSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { MODEL, START_MS, startServer, type TestServer } from '../client/server.ts';
import { makeFolder } from '../support/folder.ts';
import { writeRows } from '../support/rows.ts';
import { FakeHost } from './fake-host.ts';
import { makeRoof } from './fake-roof.ts';
import { makeHome, makeTyping } from './on-server.ts';

const BOATLOAD = fileURLToPath(new URL('../../bin/boatload.js', import.meta.url));
const HOME = makeHome();
let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  const type = makeTyping(() => server, 'firectl');
  const rows = join(HOME, 'rows.jsonl');
  writeRows(rows, 2);
  for (const id of ['tab-in', 'tab-other']) expect((await type('dataset', 'create', id, rows, '--quiet')).code).toBe(0);
  expect((await type('bij', 'create', '--job-id', 'tab-job', '-m', MODEL, '-d', 'tab-in', '--wait', '--quiet')).code).toBe(0);
}, START_MS);
afterAll(() => server?.close());

/** What is offered for the last word. */
async function offer(
  line: string,
  name: 'boatload' | 'firectl' = 'boatload',
  dataDir = server.dataDir,
): Promise<readonly string[]> {
  const host = new FakeHost({ args: ['__complete', ...line.split(' ')], name, env: { HOME, BOATLOAD_DATA_DIR: dataDir } });
  expect(await runProgram(host, makeRoof({}))).toBe(0);
  expect(host.stderr.text).toBe('');
  return host.stdout.text
    .split('\n')
    .slice(0, -1)
    .map((text) => text.split('\t')[0] ?? '');
}

describe('what the Tab key offers', () => {
  test('commands in both orders, flags and their choices', async () => {
    expect(await offer('')).toEqual(expect.arrayContaining(['run', 'up', 'submit', 'watch']));
    expect(await offer('wa')).toEqual(['watch']);
    expect(await offer('batch')).toEqual(['batch-inference-job']);
    expect(await offer('', 'firectl')).toEqual(expect.arrayContaining(['dataset', 'create', 'signin']));
    expect(await offer('create d')).toEqual(['dataset']);
    expect(await offer('bij ')).toEqual(['create', 'get', 'list', 'delete', 'cancel', 'pause', 'resume']);
    expect(await offer('dataset download x --')).toEqual(
      expect.arrayContaining(['--download-lineage', '--merge', '--profile', '--help']),
    );
    expect(await offer('model update x --p')).toEqual(['--public', '--profile']);
    expect(await offer('get bij x -o ')).toEqual(['text', 'json', 'flag']);
    expect(await offer('get bij x --output=j')).toEqual(['--output=json']);
    expect(await offer('completion ')).toEqual(['bash', 'zsh', 'fish']);
    expect(await offer('create bij --max-tokens ')).toEqual([]);
    expect(await offer('nonsense ')).toEqual([]);
  });

  test('names that the server knows, and files', async () => {
    expect(await offer('watch t')).toEqual(['tab-job']);
    expect(await offer('bij create -m x -d tab-')).toEqual(['tab-other', 'tab-in']);
    expect(await offer('create bij --quiet --continue-from ')).toEqual(['tab-job']);
    // As bash takes it apart.
    expect(await offer('create bij --continue-from = ta')).toEqual(['tab-job']);
    expect(await offer('submit x.jsonl --model ')).toEqual(expect.arrayContaining(['echo', MODEL]));
    expect(await offer('diff tab-job t')).toEqual(['tab-job']);
    expect(await offer('user get ')).toEqual(['admin']);
    for (const line of ['submit ', 'run ', 'run x -o ', 'dataset create x ', 'up --data-dir '])
      expect(await offer(line)).toEqual([':files']);
  });

  test('nothing, when there is no server', async () => {
    expect(await offer('watch ', 'boatload', HOME)).toEqual([]);
  });
});

// zsh and fish are asked by the system tests: npm can't bring them.
describe('the scripts', () => {
  const script = (shell: string): string => execFileSync(process.execPath, [BOATLOAD, 'completion', shell], { encoding: 'utf8' });

  test('bash completes with it', async () => {
    const folder = await makeFolder();
    for (const name of ['boatload', 'firectl']) symlinkSync(BOATLOAD, join(folder, name));
    // The link's own first line would find another Node.
    symlinkSync(process.execPath, join(folder, 'node'));
    writeFileSync(join(folder, 'completion.bash'), script('bash'));
    const press = (line: string) => {
      const words = line.split(' ').map((word) => `'${word}'`);
      const code = `source ${folder}/completion.bash; COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _boatload; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const env = {
        ...process.env,
        HOME,
        BOATLOAD_DATA_DIR: server.dataDir,
        PATH: `${folder}${delimiter}${process.env['PATH']}`,
      };
      const { stdout, stderr } = spawnSync('bash', ['-c', code], { encoding: 'utf8', env });
      expect(stderr).toBe('');
      return stdout.trim().split('\n');
    };
    expect(press('boatload watch ta')).toEqual(['tab-job']);
    expect(press('firectl create ')).toEqual(['batch-inference-job', 'dataset', 'model', 'user', 'api-key']);
    expect(press('boatload submit ')).toEqual(['']);
  });
});
