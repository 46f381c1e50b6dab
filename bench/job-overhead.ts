/**
 * What does a job cost that has next to nothing to do? A server that is warm, its echo engine, a dataset of one row: the time from the call that creates the job
 * until its output can be downloaded, jobs one after another; and until the last byte of it has been. The goal is a median of 150 ms.
 * The server's CPU time a job says what other work on the machine has no share in.
 *
 *   node bench/job-overhead.ts [jobs] [--tiny]       Linux only (reads /proc)
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Client, makeClient } from '../src/client/client.ts';

const BOATLOAD = fileURLToPath(new URL('../bin/boatload.js', import.meta.url));
const GOAL_MS = 150;
const { positionals, values } = parseArgs({ allowPositionals: true, options: { tiny: { type: 'boolean', default: false } } });
const WARM_UP_JOBS = values.tiny ? 1 : 10;
/** How often the job is looked at, which the figures contain. */
const LOOK_MS = 5;
const JOBS = Number(positionals[0] ?? 100);
const ROW = JSON.stringify({ custom_id: 'request-1', body: { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 16 } });

async function startServer(dataDir: string): Promise<{ readonly child: ChildProcess; readonly client: Client }> {
  const args = [BOATLOAD, 'up', '--json', '--port', '0', '--data-dir', dataDir];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), once(child, 'exit')]);
  const { url, apiKey, account } = JSON.parse(String(line));
  return { child, client: makeClient({ baseUrl: url, apiKey, accountId: account }) };
}

interface Overhead {
  readonly readyMs: number;
  readonly downloadedMs: number;
}

async function runJob(client: Client, place: number): Promise<Overhead> {
  const began = performance.now();
  const outputDatasetId = `out-${place}`;
  const { name } = await client.jobs.create({ model: 'echo', inputDatasetId: 'one-row', outputDatasetId });
  const { state } = await client.waitForJob(name, { intervalMs: LOOK_MS });
  const readyMs = performance.now() - began;
  const bytes: Uint8Array[] = [];
  await client.downloadDataset(outputDatasetId, () => new WritableStream({ write: (some) => void bytes.push(some) }));
  const downloadedMs = performance.now() - began;
  const rows = Buffer.concat(bytes).toString().trim().split('\n');
  if (state !== 'JOB_STATE_COMPLETED' || rows.length !== 1 || JSON.parse(rows[0] ?? '').custom_id !== 'request-1')
    throw new Error(`Job ${place} ended as ${state} with ${rows.length} rows.`);
  return { readyMs, downloadedMs };
}

const MS_PER_TICK = 10;

/** What the server has used since its start. */
function cpuMs({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return MS_PER_TICK * (Number(stat[11]) + Number(stat[12]));
}

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? Number.NaN;

const inWords = (values: readonly number[]): string =>
  [0.5, 0.9, 0.99].map((share) => `p${100 * share} ${percentile(values, share).toFixed(0)} ms`).join('   ');

const dataDir = await mkdtemp(join(tmpdir(), 'boatload-overhead-'));
const { child, client } = await startServer(dataDir);
try {
  await client.uploadDataset({ datasetId: 'one-row' }, [{ name: 'one-row.jsonl', content: new Blob([`${ROW}\n`]) }]);
  for (let place = 0; place < WARM_UP_JOBS; place++) await runJob(client, place);
  const warm: Overhead[] = [];
  const cpuBefore = cpuMs(child);
  for (let place = 0; place < JOBS; place++) warm.push(await runJob(client, WARM_UP_JOBS + place));
  const cpu = cpuMs(child) - cpuBefore;
  const ready = warm.map(({ readyMs }) => readyMs);
  console.log(`${JOBS} jobs of one row, from create to`);
  console.log(
    `  downloadable   ${inWords(ready)}   goal: p50 ≤ ${GOAL_MS} ms: ${percentile(ready, 0.5) <= GOAL_MS ? 'met' : 'missed'}`,
  );
  console.log(`  downloaded     ${inWords(warm.map(({ downloadedMs }) => downloadedMs))}`);
  console.log(`  CPU of the server: ${(cpu / JOBS).toFixed(0)} ms a job, the client's looks every ${LOOK_MS} ms included`);
} finally {
  const exited = once(child, 'exit');
  child.kill();
  await exited;
  await rm(dataDir, { recursive: true, force: true });
}
