/** The Tab key in the real shells: what is typed is completed by the published program, over a server that runs. */
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installProgram } from '../support/installed.ts';
import { type ContractServer, MODEL, rowOf, startContractServer } from './contract/server.ts';

/** Gives a program a terminal; every Debian has it. */
const TERMINAL = 'script';
const home = mkdtempSync(join(tmpdir(), 'boatload-shells-'));
let env: NodeJS.ProcessEnv;
let server: ContractServer;
const scripts: Record<string, string> = {};
beforeAll(async () => {
  const installed = await installProgram();
  server = await startContractServer();
  await server.upload('tab-in', rowOf('a'));
  await server.createJob('tab-job', { model: MODEL, inputDatasetId: 'tab-in' });
  const bin = join(installed.home, 'node_modules/.bin');
  const size = { TERM: 'dumb', COLUMNS: '120', LINES: '40' };
  const path = { PATH: `${bin}${delimiter}${process.env['PATH']}` };
  env = { ...process.env, ...path, ...size, HOME: home, BOATLOAD_DATA_DIR: server.server.dataDir };
  for (const shell of ['zsh', 'fish']) {
    const { stdout } = run('boatload', 'completion', shell);
    scripts[shell] = join(home, `completion.${shell}`);
    writeFileSync(scripts[shell], stdout);
  }
  writeFileSync(join(home, 'rows.jsonl'), '');
});
afterAll(async () => {
  await server?.close();
  rmSync(home, { recursive: true, force: true });
});

function run(command: string, ...args: readonly string[]) {
  const { error, stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8', env, cwd: home });
  expect(error, `${command} did not start; on Debian: apt-get install ${command}`).toBeUndefined();
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return { stdout };
}

describe('zsh', () => {
  /** Types into a zsh on a terminal and says what stands in its line then, and what it printed on the way. */
  async function type(keys: string, load = `source ${scripts['zsh']}`) {
    run('zsh', '-c', 'exit');
    const shell = spawn(TERMINAL, ['-qfec', 'zsh -f -i', '/dev/null'], { cwd: home, env });
    let said = '';
    const says = (words: RegExp) =>
      new Promise<RegExpExecArray>((resolve, reject) => {
        const look = () => {
          const found = words.exec(said);
          if (found !== null) resolve(found);
        };
        shell.stdout.on('data', look);
        shell.once('close', () => reject(new Error(`zsh ended without ${words}:\n${said}`)));
        look();
      });
    shell.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const setUp = `${load}; show() { print -r -- "<""<$BUFFER>>" }; zle -N show; bindkey '^X' show; print rea''dy\n`;
    shell.stdin.write(`PROMPT='> '; fpath=(${home} $fpath); autoload -Uz compinit; compinit -u -D; ${setUp}`);
    await says(/ready/);
    const before = said.length;
    shell.stdin.write(`${keys}\u0018`);
    const [, line = ''] = await says(/<<(.*)>>\r/);
    shell.kill();
    return { line, said: said.slice(before) };
  }

  test('completes commands, flags and their values, and names that the server knows', async () => {
    expect((await type('boatload wat\t')).line).toBe('boatload watch ');
    expect((await type('boatload watch ta\t')).line).toBe('boatload watch tab-job ');
    expect((await type('firectl create batch\t--input-dataset-id ta\t')).line).toBe(
      'firectl create batch-inference-job --input-dataset-id tab-in ',
    );
    expect((await type('firectl get bij x --output=j\t')).line).toBe('firectl get bij x --output=json ');
    expect((await type('boatload submit ro\t')).line).toBe('boatload submit rows.jsonl ');
    expect((await type('boatload nonsense \t')).line).toBe('boatload nonsense ');
  });

  test('shows what there is, each with what it is', async () => {
    const { line, said } = await type('firectl bij \t');
    expect(line).toBe('firectl bij ');
    expect(said).toMatch(/cancel +-- stop a job; its finished rows are kept/);
    expect((await type('boatload completion \t')).said).toMatch(/bash +fish +zsh *\r\n/);
  });

  test('finds it in a folder of its fpath, too', async () => {
    const folder = join(home, 'functions');
    mkdirSync(folder);
    copyFileSync(scripts['zsh'] ?? '', join(folder, '_boatload'));
    expect((await type('firectl wh\t', `fpath=(${folder} $fpath); compinit -u -D`)).line).toBe('firectl whoami ');
  });
});

describe('fish', () => {
  /** What fish offers for a line, each with what it is. */
  const offer = (line: string): readonly string[] =>
    run('fish', '-c', `source ${scripts['fish']}; complete -C '${line}'`).stdout.split('\n').slice(0, -1);

  test('completes commands, flags and their values, files, and names that the server knows', () => {
    expect(offer('boatload wat')).toEqual(['watch\tfollow a job until it has ended']);
    expect(offer('boatload watch ta')).toEqual([expect.stringMatching(/^tab-job\t[A-Z]+$/)]);
    expect(offer('firectl create bij --input-dataset-id ta')).toEqual(['tab-in\t1 rows']);
    expect(offer('firectl get bij x --output=j')).toEqual(['--output=json']);
    expect(offer('boatload completion ')).toEqual(['bash', 'fish', 'zsh']);
    expect(offer('boatload submit ro')).toEqual(['rows.jsonl']);
    expect(offer('boatload nonsense ')).toEqual([]);
    expect(offer('firectl bij ')).toContain('cancel\tstop a job; its finished rows are kept');
  });

  test('knows both commands from its start on, when the script is where its settings are', () => {
    const folder = join(home, '.config/fish/conf.d');
    mkdirSync(folder, { recursive: true });
    copyFileSync(scripts['fish'] ?? '', join(folder, 'boatload.fish'));
    expect(run('fish', '-c', "complete -C 'firectl whoa'").stdout).toMatch(/^whoami\t/);
  });
});
