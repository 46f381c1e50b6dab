/**
 * What planning costs: the ladder of prefixes that is climbed while a file is checked, the order, the shards and the plan's bytes, beside checking the same file without any of it; and how much memory a
 * file of two million rows takes above bare Node. Each measurement is a process of its own. One file's rows share a beginning, the other's share nothing, where all of it is for nothing.
 *
 *   node bench/planning.ts [rows] [rounds] [--tiny]       Linux only (reads /proc)
 */
import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream, readFileSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { cutShards } from '../src/jobs/cut-shards.ts';
import { chooseOrder } from '../src/jobs/order-rows.ts';
import { encodePlan } from '../src/jobs/plan-file.ts';
import { PrefixLadder } from '../src/jobs/prefix-ladder.ts';
import { readPlan } from '../src/jobs/read-plan.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { tiny: { type: 'boolean', default: false }, only: { type: 'string' }, path: { type: 'string', default: '' } },
});
const [ROWS = values.tiny ? 2_000 : 2_000_000, ROUNDS = values.tiny ? 1 : 3] = positionals.map(Number);
const WAYS = ['nothing', 'check', 'plan'] as const;
const BLOCK_BYTES = 256 * 1024;
/** As jobs are cut. */
const SHARDS = { maxRows: 1_000, maxBytes: 8 * 2 ** 20 };

interface Cost {
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly peakMb: number;
}

/** Only what finds bad rows: no ladder, no order. */
async function check(path: string): Promise<void> {
  PrefixLadder.prototype.climb = () => 0;
  await read(path);
}

/** All that a job's first step does with its rows. */
async function plan(path: string): Promise<void> {
  const rows = await read(path);
  const { order } = chooseOrder(rows);
  cutShards(rows, order, SHARDS);
  for (const _ of encodePlan(rows, order));
}

async function read(path: string) {
  const file = await open(path);
  try {
    const readAt = async (offset: number, length: number): Promise<Buffer> =>
      (await file.read(Buffer.alloc(length), 0, length, offset)).buffer;
    const stream = createReadStream(path, { highWaterMark: BLOCK_BYTES });
    const { rows, badLines } = await readPlan(stream, { readAt, bareRows: false, systemPrompt: false });
    if (badLines.count > 0) throw new Error('The benchmark made a bad file.');
    return rows;
  } finally {
    await file.close();
  }
}

/** In the process of its own. */
async function measureHere(way: string, path: string): Promise<Cost> {
  const cpu = process.cpuUsage();
  const began = performance.now();
  if (way === 'check') await check(path);
  if (way === 'plan') await plan(path);
  const { user, system } = process.cpuUsage(cpu);
  const peakMb = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
  return { cpuMs: (user + system) / 1e3, wallMs: performance.now() - began, peakMb };
}

const PROGRAM = fileURLToPath(import.meta.url);

async function measure(way: string, path: string): Promise<Cost> {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, '--only', way, '--path', path]);
  return JSON.parse(stdout) as Cost;
}

const QUESTION = 'Which town is meant, and how many people live there? One short sentence. Number';

/** Rows of about 250 bytes, as 500 MB in two million. */
const FILES: Readonly<Record<string, (row: number) => string>> = {
  'rows that begin alike': (row) => `You are careful. ${QUESTION} ${row % 1_000}. ${QUESTION} ${row}.`,
  'rows with nothing to share': (row) => `${(row * 2_654_435_761) % 2 ** 32} ${row} ${QUESTION} ${QUESTION}`,
};

async function writeRows(path: string, toContent: (row: number) => string): Promise<void> {
  const blocks = function* (): Generator<string> {
    for (let row = 0; row < ROWS; ) {
      let block = '';
      for (; block.length < BLOCK_BYTES && row < ROWS; row += 1)
        block += `{"custom_id":"${row}","body":{"messages":[{"role":"user","content":"${toContent(row)}"}]}}\n`;
      yield block;
    }
  };
  await pipeline(Readable.from(blocks()), createWriteStream(path));
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

async function compare(title: string, path: string): Promise<void> {
  const rounds: Record<(typeof WAYS)[number], Cost>[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const [nothing, checked, planned] = [
      await measure('nothing', path),
      await measure('check', path),
      await measure('plan', path),
    ];
    rounds.push({ nothing, check: checked, plan: planned });
  }
  const of = (pick: (round: (typeof rounds)[number]) => number): number => median(rounds.map(pick));
  const cpu = of(({ check: alone, plan: all }) => all.cpuMs / alone.cpuMs - 1);
  const wall = of(({ check: alone, plan: all }) => all.wallMs / alone.wallMs - 1);
  const perRow = of(({ check: alone, plan: all }) => (1e3 * (all.cpuMs - alone.cpuMs)) / ROWS);
  const above = (way: 'check' | 'plan') => of((round) => round[way].peakMb - round.nothing.peakMb);
  console.log(`\n${title}: ${ROWS} rows, medians of ${ROUNDS} rounds`);
  console.log(
    `  planning beside checking: CPU ${cpu.toFixed(2)} ×, wall ${wall.toFixed(2)} × (goal 1); ${perRow.toFixed(2)} µs CPU a row`,
  );
  console.log(
    `  memory above bare Node: ${above('check').toFixed(0)} MB to check (goal 150), ${above('plan').toFixed(0)} MB to plan`,
  );
  console.log(
    `  planning's own: ${((2 ** 20 * (above('plan') - above('check'))) / ROWS).toFixed(0)} B a row; all: ${((2 ** 20 * above('plan')) / ROWS).toFixed(0)} B (goal 64)`,
  );
}

if (values.only !== undefined) console.log(JSON.stringify(await measureHere(values.only, values.path)));
else {
  const dir = await mkdtemp(join(tmpdir(), 'boatload-planning-'));
  try {
    for (const [title, toContent] of Object.entries(FILES)) {
      const path = join(dir, 'in.jsonl');
      await writeRows(path, toContent);
      await compare(title, path);
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
