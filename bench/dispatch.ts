/**
 * What Boatload costs a row beside the least that can be done and beside what people write. The whole path is measured: `boatload run`, from the input file
 * to the merged output, rows committed in the database. What a run of 5,000 rows takes is taken off, as the bare loop is measured after so many: neither start nor
 * compilation is a row's cost. All take turns in one run; the figures are medians of per-round ratios, CPU per row first.
 *
 * With a latency, what is asked is how near it comes to concurrency ÷ latency, and how much memory it has in its second half, when the embedded database's start is long over.
 *
 *   node bench/dispatch.ts [rows] [rounds] [in flight] [mean latency in ms] [--tiny]       Linux, a C compiler (cc); Python's aiohttp is measured where it is installed
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { positionals, values } = parseArgs({ allowPositionals: true, options: { tiny: { type: 'boolean', default: false } } });
const [ROWS = 50_000, ROUNDS = 5, IN_FLIGHT = 256, LATENCY_MS = 0] = positionals.map(Number);
/** As many as the bare loop's, and enough for answers to come one by one instead of in waves. */
const WARM_UP_ROWS = values.tiny ? 100 : Math.max(5_000, LATENCY_MS > 0 ? 5 * IN_FLIGHT : 0);
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HERE = fileURLToPath(new URL('dispatch', import.meta.url));
/** Debian's own, which its python3-aiohttp belongs to. */
const PYTHON = '/usr/bin/python3';
const SIGMA = 0.25;
/** The slow ones get fewer rows. */
const SCRIPT_ROWS = Math.min(ROWS, 10_000);

interface Cost {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly rows: number;
  readonly peakMb?: number;
  /** Most resident memory in the second half. */
  readonly lateMb?: number;
}

const dir = await mkdtemp(join(tmpdir(), 'boatload-dispatch-'));
const file = (name: string): string => join(dir, name);

async function writeInput(name: string, rows: number): Promise<string> {
  const out = createWriteStream(file(name), { highWaterMark: 1024 * 1024 });
  for (let row = 0; row < rows; row++) {
    const content = `${row} ${'lorem ipsum dolor sit amet '.repeat(34)}`.slice(0, 900);
    const line = JSON.stringify({ custom_id: `request-${row}`, body: { messages: [{ role: 'user', content }], max_tokens: 64 } });
    if (!out.write(`${line}\n`)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'close');
  return file(name);
}

async function startUpstream(): Promise<{ readonly url: string; readonly child: ChildProcess }> {
  execFileSync('cc', ['-O2', '-o', file('upstream'), join(HERE, 'upstream.c'), '-lm']);
  const child = spawn(file('upstream'), [`${LATENCY_MS}`, `${SIGMA}`], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [port] = await once(createInterface({ input: child.stdout }), 'line');
  return { url: `http://127.0.0.1:${port}`, child };
}

/** A program that measures itself. */
async function measured(command: string, args: readonly string[], rows: number): Promise<Cost> {
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const printed = text(child.stdout);
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}.`);
  return { ...JSON.parse(await printed), rows };
}

const TICKS_PER_SECOND = 100;

interface Look {
  readonly cpuSeconds: number;
  readonly peakMb: number | undefined;
  readonly nowMb: number | undefined;
}

/** What Linux knows of a process while it lives. */
function look(pid: number): Look | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const cpuSeconds = (Number(stat[11]) + Number(stat[12])) / TICKS_PER_SECOND;
    // A process that has ended has times left, but no memory.
    const memory = (name: string): number | undefined => {
      const kilobytes = new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1];
      return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
    };
    return { cpuSeconds, peakMb: memory('VmHWM'), nowMb: memory('VmRSS') };
  } catch {
    return undefined;
  }
}

async function runBoatload(url: string, input: string, rows: number): Promise<Cost> {
  const args = ['run', input, '-o', file('out.jsonl'), '--engine', url, '--model', 'bench', '--concurrency', `${IN_FLIGHT}`];
  const began = performance.now();
  const child = spawn(process.execPath, [join(ROOT, 'bin/boatload.js'), ...args], {
    cwd: dir,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = once(child, 'exit');
  let seen = { cpuSeconds: 0, peakMb: 0 };
  const sizes: number[] = [];
  while (child.exitCode === null && child.pid !== undefined) {
    const now = look(child.pid);
    seen = { cpuSeconds: now?.cpuSeconds ?? seen.cpuSeconds, peakMb: now?.peakMb ?? seen.peakMb };
    sizes.push(now?.nowMb ?? 0);
    await delay(20);
  }
  await exited;
  const wallSeconds = (performance.now() - began) / 1e3;
  if (child.exitCode !== 0) throw new Error(`boatload run ended with ${child.exitCode}.`);
  const lines = readFileSync(file('out.jsonl')).filter((byte) => byte === 0x0a).length;
  if (lines !== rows) throw new Error(`boatload run answered ${lines} of ${rows} rows.`);
  for (const name of ['out.jsonl', 'out.run']) await rm(file(name), { recursive: true, force: true });
  return { ...seen, wallSeconds, rows, lateMb: Math.max(...sizes.slice(sizes.length >> 1)) };
}

const perRow = ({ cpuSeconds, rows }: Cost): number => (1e6 * cpuSeconds) / rows;
const rate = ({ wallSeconds, rows }: Cost): number => rows / wallSeconds;
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const upstream = await startUpstream();
try {
  const input = await writeInput('in.jsonl', ROWS);
  const warmUp = await writeInput('warm-up.jsonl', WARM_UP_ROWS);
  const few = await writeInput('few.jsonl', SCRIPT_ROWS);
  const { url } = upstream;
  const hasPython = LATENCY_MS === 0 && spawnSync(PYTHON, ['-c', 'import aiohttp']).status === 0;
  const rounds: Record<string, Cost>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const bare = await measured(process.execPath, [join(HERE, 'bare.ts'), url, `${ROWS}`, `${IN_FLIGHT}`], ROWS);
    const start = await runBoatload(url, warmUp, WARM_UP_ROWS);
    const whole = await runBoatload(url, input, ROWS);
    const boatload: Cost = {
      rows: ROWS - WARM_UP_ROWS,
      wallSeconds: whole.wallSeconds - start.wallSeconds,
      cpuSeconds: whole.cpuSeconds - start.cpuSeconds,
    };
    // They would only wait, too.
    const script =
      LATENCY_MS > 0
        ? undefined
        : await measured(
            process.execPath,
            [join(HERE, 'script.ts'), url, few, file('script.jsonl'), `${IN_FLIGHT}`],
            SCRIPT_ROWS,
          );
    const python = hasPython
      ? await measured(PYTHON, [join(HERE, 'aiohttp_workers.py'), url, few, file('python.jsonl'), `${IN_FLIGHT}`], SCRIPT_ROWS)
      : undefined;
    rounds.push({ bare, boatload, ...(script && { script }), ...(python && { python }) });
    console.log(
      Object.entries(rounds.at(-1) ?? {})
        .map(([name, cost]) => `${name} ${rate(cost).toFixed(0)} rows/s ${perRow(cost).toFixed(0)} µs CPU/row`)
        .concat(
          `peak ${whole.peakMb?.toFixed(0)} MB, ${start.peakMb?.toFixed(0)} MB with ${WARM_UP_ROWS} rows; ${whole.lateMb?.toFixed(0)} MB in its second half`,
        )
        .join('   '),
    );
  }
  const ratio = (read: (round: Record<string, Cost>) => number): string => median(rounds.map(read)).toFixed(2);
  const of = (round: Record<string, Cost>, name: string): Cost => round[name] as Cost; // measured in every round
  console.log(`\nBoatload, whole path, beside`);
  for (const name of Object.keys(rounds[0] ?? {}).filter((key) => key !== 'boatload'))
    console.log(
      `  ${name.padEnd(8)} ${ratio((round) => rate(of(round, 'boatload')) / rate(of(round, name)))} × rows/s, ${ratio((round) => perRow(of(round, 'boatload')) / perRow(of(round, name)))} × CPU per row`,
    );
  const most = (1000 * IN_FLIGHT) / LATENCY_MS;
  if (LATENCY_MS > 0)
    console.log(
      `  concurrency ÷ latency: ${ratio((round) => rate(of(round, 'boatload')) / most)} reached, by the bare loop ${ratio((round) => rate(of(round, 'bare')) / most)}`,
    );
} finally {
  upstream.child.stdin?.end();
  await rm(dir, { recursive: true, force: true });
}
