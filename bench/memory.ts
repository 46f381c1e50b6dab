/**
 * Does memory stay flat? Runs `boatload run` on a million rows (400 MB) with the echo engine and prints the peak of its resident memory from the moment when the database is open,
 * beside that of a process that only opens the embedded database and waits. The difference is what Boatload itself needs; the goal is under 400 MB, whatever the input's size.
 *
 *   node bench/memory.ts [rows] [--tiny]       Linux only (reads /proc)
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const GOAL_MB = 400;
const { positionals, values } = parseArgs({ allowPositionals: true, options: { tiny: { type: 'boolean', default: false } } });
const rows = Number(positionals[0] ?? 1_000_000);

async function writeInput(path: string): Promise<void> {
  const out = createWriteStream(path, { highWaterMark: 1024 * 1024 });
  const filler = 'lorem ipsum dolor sit amet consectetur '.repeat(8).slice(0, 290);
  for (let row = 0; row < rows; row++) {
    const line = JSON.stringify({
      custom_id: `request-${row}`,
      body: { messages: [{ role: 'user', content: `${row} ${filler}` }], max_tokens: 16 },
    });
    if (!out.write(`${line}\n`)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'close');
}

const residentMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

interface Watched {
  readonly cwd: string;
  /** Ends the program when it is still there after so long. */
  readonly forMs: number;
  /** What the program is doing now. */
  readonly phase: () => string;
}

/** The largest resident memory in each phase, looking ten times a second. */
async function watch(
  args: readonly string[],
  { cwd, forMs, phase }: Watched,
): Promise<{ readonly peaks: ReadonlyMap<string, number>; readonly code: number | null }> {
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  const exited = once(child, 'exit');
  const began = performance.now();
  const peaks = new Map<string, number>();
  while (child.exitCode === null && performance.now() - began < forMs) {
    const now =
      child.pid === undefined
        ? 0
        : await Promise.resolve(child.pid)
            .then(residentMb)
            .catch(() => 0);
    peaks.set(phase(), Math.max(peaks.get(phase()) ?? 0, now));
    await delay(100);
  }
  if (child.exitCode === null) child.kill('SIGKILL');
  await exited;
  return { peaks, code: child.exitCode };
}

/** The database's start compiles it, which takes memory for some seconds; both programs are given them. */
const SETTLE_MS = values.tiny ? 1_000 : 10_000;

const dir = await mkdtemp(join(tmpdir(), 'boatload-memory-'));
try {
  const onlyDatabase = `import { openStore } from ${JSON.stringify(join(ROOT, 'src/db/open-store.ts'))}; await openStore({ url: 'file:' + process.cwd() + '/idle' }); setInterval(() => {}, 1000);`;
  const idleBegan = performance.now();
  const idle = await watch(['--input-type=module', '-e', onlyDatabase], {
    cwd: dir,
    forMs: 2 * SETTLE_MS,
    phase: () => (performance.now() - idleBegan < SETTLE_MS ? 'start' : 'idle'),
  });
  await writeInput(join(dir, 'in.jsonl'));
  const { size } = await stat(join(dir, 'in.jsonl'));
  const began = performance.now();
  const run = await watch([join(ROOT, 'bin/boatload.js'), 'run', 'in.jsonl', '-o', 'out.jsonl', '--engine', 'echo'], {
    cwd: dir,
    forMs: 1_800_000,
    phase: () => {
      if (performance.now() - began < SETTLE_MS) return 'start';
      if (existsSync(join(dir, 'out.run/objects/outputs'))) return 'merge';
      return existsSync(join(dir, 'out.run/journal')) ? 'dispatch' : 'check';
    },
  });
  if (run.code !== 0) throw new Error(`boatload run ended with ${run.code}`);
  const seconds = (performance.now() - began) / 1000;
  console.log(
    `${rows.toLocaleString('en')} rows, ${(size / 1e6).toFixed(0)} MB, ${seconds.toFixed(0)} s, ${(rows / seconds).toFixed(0)} rows/s`,
  );
  const base = idle.peaks.get('idle') ?? 0;
  console.log(
    `an idle process with the database open: ${base.toFixed(0)} MB (${(idle.peaks.get('start') ?? 0).toFixed(0)} MB for a moment at its start)`,
  );
  for (const [phase, peak] of run.peaks)
    console.log(`${phase.padEnd(8)} peak ${peak.toFixed(0)} MB, ${(peak - base).toFixed(0)} MB above the idle database`);
  console.log(`goal: every phase after the start under ${GOAL_MB} MB above the idle database`);
} finally {
  await rm(dir, { recursive: true, force: true });
}
