/** A server of Boatload, and whole jobs on it: from the rows' file to the merged output. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Client, makeClient } from '../../src/client/client.ts';
import { addUsages, type Tokens } from './bare-loop.ts';
import { cpuSecondsOfAll, familyOf } from './process-cost.ts';
import type { Row } from './rows.ts';

const BOATLOAD = fileURLToPath(new URL('../../bin/boatload.js', import.meta.url));
/** How often the job is looked at, which the figures contain. */
const LOOK_MS = 100;

export interface JobCost {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly tokens: Tokens;
}

export interface Boatload {
  /** Runs these rows on this model. The processes whose CPU counts besides Boatload's own are named. */
  runJob(model: string, rows: readonly Row[], others?: readonly number[]): Promise<JobCost>;
  stop(): Promise<void>;
}

/** Starts `boatload up` with these flags. */
export async function startBoatload(flags: readonly string[]): Promise<Boatload> {
  const dataDir = await mkdtemp(join(tmpdir(), 'boatload-embedded-'));
  const args = [BOATLOAD, 'up', '--json', '--port', '0', '--data-dir', dataDir, ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill();
    await exited;
    await rm(dataDir, { recursive: true, force: true });
  };
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), exited]);
  if (typeof line !== 'string') {
    await stop();
    throw new Error(`boatload up ended with ${line}.`);
  }
  const { url, apiKey, account } = JSON.parse(line);
  const client = makeClient({ baseUrl: url, apiKey, accountId: account });
  let jobs = 0;
  return {
    runJob: async (model, rows, others = []) => {
      const processes = [...familyOf(child.pid ?? 0), ...others];
      const before = cpuSecondsOfAll(processes);
      const began = performance.now();
      const output = await runJob(client, { model, rows, id: `job-${++jobs}` });
      const wallSeconds = (performance.now() - began) / 1e3;
      return { wallSeconds, cpuSeconds: cpuSecondsOfAll(processes) - before, tokens: readTokens(output, rows.length) };
    },
    stop,
  };
}

interface Job {
  readonly model: string;
  readonly rows: readonly Row[];
  readonly id: string;
}

async function runJob(client: Client, { model, rows, id }: Job): Promise<string> {
  const content = new Blob(rows.map((row) => `${JSON.stringify(row)}\n`));
  await client.uploadDataset({ datasetId: `${id}-in` }, [{ name: 'in.jsonl', content }]);
  const { name } = await client.jobs.create({ model, inputDatasetId: `${id}-in`, outputDatasetId: `${id}-out` });
  const { state, status } = await client.waitForJob(name, { intervalMs: LOOK_MS });
  if (state !== 'JOB_STATE_COMPLETED') throw new Error(`The job ended as ${state}: ${status?.message}`);
  const bytes: Uint8Array[] = [];
  await client.downloadDataset(`${id}-out`, () => new WritableStream({ write: (some) => void bytes.push(some) }));
  return Buffer.concat(bytes).toString();
}

function readTokens(output: string, rows: number): Tokens {
  const results = output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const answered = results.filter(({ response }) => response?.usage !== undefined);
  if (answered.length !== rows) throw new Error(`${answered.length} of ${rows} rows were answered: ${output.slice(-600)}`);
  return addUsages(answered.map(({ response }) => response.usage));
}
