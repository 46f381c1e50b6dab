import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('./real-program.ts', import.meta.url));
/** What people start. */
const LAUNCHER = fileURLToPath(new URL('../../bin/boatload.js', import.meta.url));
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

/** Starts a command and resolves once it has said `word` on stderr. */
async function start(args: readonly string[], word: string) {
  const child = spawn(process.execPath, [PROGRAM, ...args]);
  started.push(child);
  const ended = once(child, 'exit');
  let said = '';
  const heard = new Promise<void>((resolve) => {
    child.stderr.on('data', (data: Buffer) => {
      said += data.toString();
      if (said.includes(word)) resolve();
    });
  });
  await heard;
  return { child, ended, said: () => said };
}

test('the first signal saves and ends with 130', async () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const { child, ended, said } = await start(['run', 'in.jsonl', '-o', 'out.jsonl'], 'running');
    child.kill(signal);
    expect(await ended).toEqual([130, null]);
    expect(said()).toContain('saving…');
    expect(said()).toContain('250 ok, 0 failed, 750 unfinished');
  }
});

test('the second Ctrl-C ends a run at once, although it hangs', async () => {
  const { child, ended } = await start(['run', 'in.jsonl', '-o', 'out.jsonl', '--n', '2'], 'running');
  // Pressed again and again, as people do; what comes within one press of the first counts as the first.
  const press = setInterval(() => child.kill('SIGINT'), 50);
  expect(await ended).toEqual([130, null]);
  clearInterval(press);
});

test('a server ends with 0 when it is told to stop', async () => {
  const { child, ended } = await start(['up'], 'Fireworks');
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

test('a reader that goes away is no defect', async () => {
  const child = spawn(process.execPath, [PROGRAM, 'run', '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  child.stdout.destroy();
  const ended = once(child, 'exit');
  expect(await text(child.stderr)).toBe('');
  expect(await ended).toEqual([0, null]);
});

test('help and the version are there within 200 ms over bare Node', () => {
  const commands = { bare: ['-e', '0'], help: ['run', '--help'], firectl: ['bij', 'create', '--help'], version: ['--version'] };
  const least = { bare: Infinity, help: Infinity, firectl: Infinity, version: Infinity };
  const names = ['bare', 'help', 'firectl', 'version'] as const;
  const isFast = () => names.every((name) => least[name] - least.bare < 200);
  // The least of several rounds, all in turn: what else the machine does then hits all, and not for ever.
  for (let round = 0; round < 5 || (round < 25 && !isFast()); round++) {
    for (const name of names) {
      const beganAtMs = performance.now();
      expect(spawnSync(process.execPath, name === 'bare' ? commands.bare : [LAUNCHER, ...commands[name]]).status).toBe(0);
      least[name] = Math.min(least[name], performance.now() - beganAtMs);
    }
  }
  expect(least.help - least.bare).toBeLessThan(200);
  expect(least.firectl - least.bare).toBeLessThan(200);
  expect(least.version - least.bare).toBeLessThan(200);
});
