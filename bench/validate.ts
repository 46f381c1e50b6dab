/**
 * How fast a dataset is validated and planned, against what one would write by hand: a bare JSON.parse loop (which checks nothing but JSON), and the
 * usual script of readline, JSON.parse, zod and a Set of ids. All three read the same file, in turns, in one process; the figures are medians of the
 * per-round ratios, CPU per row first. Run: node bench/validate.ts [rounds] [--tiny]
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { orderRows } from '../src/jobs/order-rows.ts';
import { readPlan } from '../src/jobs/read-plan.ts';

const { positionals, values } = parseArgs({ allowPositionals: true, options: { tiny: { type: 'boolean', default: false } } });
const FILE_BYTES = values.tiny ? 1_000_000 : 50_000_000;
const ROUNDS = Number(positionals[0] ?? 7);
const BLOCK_BYTES = 256 * 1024;

const QUESTION =
  'Which town is meant by the following description, and how many people live there? Answer in one short sentence. Number';
const PARAGRAPH =
  'The report of the district office says that the number of visitors grew again this year, in Málaga as well as inland. ';

/** Rows of about 309 bytes: a short system prompt and a question. */
const smallRow = (row: number) => ({
  custom_id: `request-${row}`,
  body: {
    messages: [
      { role: 'system', content: 'You are a careful assistant who answers briefly.' },
      { role: 'user', content: `${QUESTION} ${row}.` },
    ],
    max_tokens: 64,
  },
});

/** Rows of about 6 KB: one of 200 documents, and a question about it. */
const longRow = (row: number) => ({
  custom_id: `request-${row}`,
  body: {
    messages: [
      { role: 'system', content: 'Answer from the document.' },
      { role: 'user', content: `Document ${row % 200}.\n${PARAGRAPH.repeat(48)}\n${QUESTION} ${row}.` },
    ],
    max_tokens: 256,
  },
});

type Pass = (path: string) => Promise<number>;

/** What the product does before a job starts. */
async function validate(path: string): Promise<number> {
  const file = await open(path);
  try {
    const options = {
      readAt: (offset: number, length: number) => readAt(file, offset, length),
      bareRows: false,
      systemPrompt: false,
    };
    const { rows, badLines } = await readPlan(createReadStream(path, { highWaterMark: BLOCK_BYTES }), options);
    if (badLines.count > 0) throw new Error('The benchmark made a bad file.');
    return orderRows(rows).length;
  } finally {
    await file.close();
  }
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
  return buffer;
}

/** The yardstick: lines cut from Buffers and parsed, nothing else. */
async function parseOnly(path: string): Promise<number> {
  let rows = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: BLOCK_BYTES })) {
    const bytes: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, start)) {
      JSON.parse(bytes.toString('utf8', start, end));
      rows++;
      start = end + 1;
    }
    rest = bytes.subarray(start);
  }
  return rows;
}

const Row = z.object({
  custom_id: z.string().min(1),
  body: z.looseObject({
    messages: z.array(z.looseObject({ role: z.enum(['system', 'user', 'assistant', 'tool']), content: z.string() })).min(1),
  }),
});

/** What one writes in an afternoon. */
async function usualScript(path: string): Promise<number> {
  const ids = new Set<string>();
  for await (const line of createInterface({ input: createReadStream(path, { highWaterMark: BLOCK_BYTES }) })) {
    const { custom_id: id } = Row.parse(JSON.parse(line));
    if (ids.has(id)) throw new Error(`${id} is there twice.`);
    ids.add(id);
  }
  return ids.size;
}

interface Cost {
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly rows: number;
}

async function measure(pass: Pass, path: string): Promise<Cost> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const rows = await pass(path);
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { cpuMs: (user + system) / 1000, wallMs, rows };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

async function compare(name: string, path: string): Promise<void> {
  const passes: readonly Pass[] = [validate, parseOnly, usualScript];
  const rounds: Cost[][] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const costs: Cost[] = [];
    for (const pass of passes) costs.push(await measure(pass, path));
    // The round before the first warms up.
    if (round >= 0) rounds.push(costs);
  }
  console.log(`\n${name}: ${rounds[0]?.[0]?.rows} rows, medians of ${ROUNDS} rounds`);
  for (const [index, pass] of passes.entries()) console.log(`  ${pass.name.padEnd(12)} ${describe(rounds, index)}`);
}

function describe(rounds: readonly Cost[][], index: number): string {
  const of = (pick: (cost: Cost, ours: Cost) => number) =>
    median(rounds.map((costs) => pick(costs[index] ?? NOTHING, costs[0] ?? NOTHING)));
  const perRow = of(({ cpuMs, rows }) => (cpuMs * 1000) / rows).toFixed(2);
  const speed = of(({ wallMs }) => FILE_BYTES / 1000 / wallMs).toFixed(0);
  const ratios = `CPU ${of(({ cpuMs }, ours) => cpuMs / ours.cpuMs).toFixed(2)} ×, wall ${of(({ wallMs }, ours) => wallMs / ours.wallMs).toFixed(2)} × ours`;
  return `${perRow.padStart(6)} µs CPU per row  ${speed.padStart(4)} MB/s  ${index === 0 ? '' : ratios}`;
}

const NOTHING: Cost = { cpuMs: Number.NaN, wallMs: Number.NaN, rows: Number.NaN };

async function writeRows(path: string, toRow: (row: number) => unknown): Promise<void> {
  const file = await open(path, 'w');
  let bytes = 0;
  for (let row = 0; bytes < FILE_BYTES; ) {
    let block = '';
    while (block.length < BLOCK_BYTES) block += `${JSON.stringify(toRow(row++))}\n`;
    bytes += (await file.write(block)).bytesWritten;
  }
  await file.close();
}

const folder = await mkdtemp(join(tmpdir(), 'boatload-bench-'));
try {
  for (const [name, toRow] of [
    ['small', smallRow],
    ['long', longRow],
  ] as const) {
    const path = join(folder, `${name}.jsonl`);
    await writeRows(path, toRow);
    await compare(name, path);
  }
} finally {
  await rm(folder, { recursive: true });
}
