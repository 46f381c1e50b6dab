/** Each benchmark once in its smallest form, so that none rots. What they measure is no matter here, but where time is virtual. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, test } from 'vitest';

const run = async (program: string, ...args: readonly string[]): Promise<string> => {
  const options = { timeout: 300_000, killSignal: 'SIGKILL', maxBuffer: 16 * 1024 * 1024 } as const;
  return (await promisify(execFile)(process.execPath, [`bench/${program}.ts`, ...args, '--tiny'], options)).stdout;
};

const expectCompiler = (): void => {
  if (spawnSync('cc', ['--version']).status !== 0)
    throw new Error(
      'bench/dispatch needs a C compiler for its upstream, which has to be faster than any client: apt-get install gcc libc6-dev',
    );
};

// Side by side, as the start of most takes longer than all that they measure.
describe.concurrent('a benchmark in its smallest form', () => {
  test('finds how much an engine can use, as well as is promised', async ({ expect }) => {
    const lines = (await run('capacity', '1')).split('\n').filter((line) => line.startsWith('Boatload'));
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(Number(/(\d+\.\d) %/.exec(line)?.[1]), line).toBeGreaterThanOrEqual(90);
  });

  test('finds how much an engine can use over HTTP, beside who knows it', async ({ expect }) => {
    const told = await run('capacity', '--http');
    expect(told.match(/^(?:oracle|Boatload).* %/gm)).toHaveLength(6);
    expect(told).toMatch(/40 service times of 25 ms/);
  });

  test('holds the model of time beside the embedded engine', async ({ expect }) => {
    expect((await run('simulator-check', '1')).match(/^ {2}.* [\d.]+ {2}\([\d.]+, [\d.]+\)$/gm)).toHaveLength(5);
  });

  test('has prompts meet their prefixes, on one engine and on four', async ({ expect }) => {
    const shares = [...(await run('prefix')).matchAll(/= ([\d.]+) of the most/g)].map(([, share]) => Number(share));
    expect(shares).toHaveLength(4);
    for (const share of shares) expect(share).toBeGreaterThanOrEqual(0.98);
  });

  test('validates', async ({ expect }) => {
    expect((await run('validate', '1')).match(/^ {2}validate +[\d.]+ µs CPU per row/gm)).toHaveLength(2);
  });

  test('plans, beside checking alone', async ({ expect }) => {
    expect((await run('planning')).match(/planning beside checking: CPU -?[\d.]+ ×/g)).toHaveLength(2);
  });

  test('runs small jobs', async ({ expect }) => {
    expect(await run('job-overhead', '2')).toMatch(/downloadable +p50 \d+ ms/);
  });

  test('watches memory', async ({ expect }) => {
    expect(await run('memory', '500')).toMatch(/peak \d+ MB, -?\d+ MB above the idle database/);
  });

  test('merges in the order of the input', async ({ expect }) => {
    expect((await run('merge', '0.07', '1')).match(/ × the speed of the copy/g)).toHaveLength(2);
  });

  test('makes rows durable, beside a writer that does not', async ({ expect }) => {
    const told = await run('durable');
    expect(told).toMatch(/Journal beside the un-synced writer: [\d.]+ ×/);
    expect(told).toMatch(/20000 rows\/s for 0.5 s: on disk after p50 \d+ ms/);
  });

  test('kills a process and sees its rows run again', async ({ expect }) => {
    expect(await run('kill')).toMatch(/rows in flight asked again after, first +[\d.]+ s/);
  });

  test('draws tokens and runs jobs on the embedded engine', async ({ expect }) => {
    const told = await run('embedded');
    expect(told).toMatch(/^ {2}embedded [\d.]+ tokens\/s/m);
    expect(told.match(/^ {2}embedded [\d.]+ s, \d+ ms CPU a row/gm)).toHaveLength(2);
    expect(told).toMatch(/^ {2}[\d.]+ s, peak \d+ MB/m);
  });

  test('has the embedded engine find prefixes that rows share', async ({ expect }) => {
    expect(await run('embedded-prefix')).toMatch(/Cached share 0\.[1-9]\d+ of the most/);
  });

  test('dispatches rows beside others', async ({ expect }) => {
    expectCompiler();
    expect(await run('dispatch', '1000', '1', '32')).toMatch(/bare +-?[\d.]+ × rows\/s, -?[\d.]+ × CPU per row/);
  });
});
