/**
 * Does memory stay flat? Runs `boatload run` on a million rows (400 MB) with the echo engine and prints the peak of its resident memory, beside that of a process that
 * only opens the embedded database and waits. The difference is what Boatload itself needs; the goal is under 400 MB, whatever the input's size.
 *
 *   node bench/memory.ts [rows]        Linux only (reads /proc)
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const GOAL_MB = 400;
const rows = Number(process.argv[2] ?? 1_000_000);

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

const peakMb = (pid: number): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

/** The peak while the program runs; ends it when it is still there after `forMs`. */
async function watch(
  args: readonly string[],
  { cwd, forMs }: { readonly cwd: string; readonly forMs: number },
): Promise<{ readonly peak: number; readonly code: number | null }> {
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  const exited = once(child, 'exit');
  const until = performance.now() + forMs;
  let peak = 0;
  while (child.exitCode === null && performance.now() < until) {
    if (child.pid !== undefined)
      peak = Math.max(
        peak,
        await Promise.resolve(child.pid)
          .then(peakMb)
          .catch(() => 0),
      );
    await delay(100);
  }
  if (child.exitCode === null) child.kill('SIGKILL');
  await exited;
  return { peak, code: child.exitCode };
}

const dir = await mkdtemp(join(tmpdir(), 'boatload-memory-'));
try {
  const onlyDatabase = `import { openStore } from ${JSON.stringify(join(ROOT, 'src/db/open-store.ts'))}; await openStore({ url: 'file:' + process.cwd() + '/idle' }); setInterval(() => {}, 1000);`;
  // The first open on a machine makes the prepared database, which takes more; what is compared with is every later one.
  await watch(['--input-type=module', '-e', onlyDatabase], { cwd: dir, forMs: 15_000 });
  await rm(join(dir, 'idle'), { recursive: true });
  const idle = await watch(['--input-type=module', '-e', onlyDatabase], { cwd: dir, forMs: 10_000 });
  await writeInput(join(dir, 'in.jsonl'));
  const { size } = await stat(join(dir, 'in.jsonl'));
  const began = performance.now();
  const run = await watch([join(ROOT, 'bin/boatload.js'), 'run', 'in.jsonl', '-o', 'out.jsonl', '--engine', 'echo'], {
    cwd: dir,
    forMs: 1_800_000,
  });
  if (run.code !== 0) throw new Error(`boatload run ended with ${run.code}`);
  const seconds = (performance.now() - began) / 1000;
  console.log(
    `${rows.toLocaleString('en')} rows, ${(size / 1e6).toFixed(0)} MB, ${seconds.toFixed(0)} s, ${(rows / seconds).toFixed(0)} rows/s`,
  );
  console.log(
    `peak ${run.peak.toFixed(0)} MB; database alone ${idle.peak.toFixed(0)} MB; difference ${(run.peak - idle.peak).toFixed(0)} MB (goal: under ${GOAL_MB} MB)`,
  );
} finally {
  await rm(dir, { recursive: true, force: true });
}
