/**
 * What it costs that a finished row survives a power cut. A worker's journal takes rows as fast as it can: append and sync, once alone and once with the part in the store behind it, which
 * writes every byte again; beside it a writer of the same slabs that syncs nothing. The claim in the database, one statement for 4 MB, is left out. Then rows come at a steady rate whether the journal keeps up or not (open loop), and each is timed from when
 * it was due until it was on disk.
 *
 *   node bench/durable.ts [rounds] [--rate 20000] [--seconds 10] [--tiny]       the folder for temporary files (TMPDIR) must be on a disk, or syncs cost nothing
 */
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Leases } from '../src/jobs/leases.ts';
import { encodeEntry, type PartEntry } from '../src/jobs/part-entries.ts';
import { openDiskStore } from '../src/storage/disk.ts';
import { commitSegment } from '../src/worker/commit-segment.ts';
import { Journal } from '../src/worker/journal.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { tiny: { type: 'boolean', default: false }, rate: { type: 'string' }, seconds: { type: 'string' } },
});
const ROUNDS = Number(positionals[0] ?? (values.tiny ? 1 : 5));
const RATE = Number(values.rate ?? 20_000);
const SECONDS = Number(values.seconds ?? (values.tiny ? 0.5 : 10));
const LINE = Buffer.from(`{"custom_id":"request","response":"${'x'.repeat(1_230)}"}\n`);
const ROWS = values.tiny ? 5_000 : 200_000;
/** So many rows end in one turn of a busy worker's event loop. */
const ROWS_PER_TURN = 64;
const ROW_AT = 16;

const toEntry = (row: number): PartEntry => ({
  position: row,
  row,
  shard: 0,
  epoch: 1,
  kind: 'success',
  inputTokens: 200,
  outputTokens: 300,
  cachedTokens: 0,
  line: LINE,
});
const ENTRY_BYTES = encodeEntry(toEntry(0)).length;

const dir = await mkdtemp(join(tmpdir(), 'boatload-durable-'));
const objects = await openDiskStore(join(dir, 'objects'));
/** Says yes to all: its time is the database's. */
const leases = { commit: async (claims) => claims.map(() => true) } as Partial<Leases> as Leases;

let jobs = 0;

/** Until its rows are on disk, or until their part is in the store. */
function openJournal(until: 'disk' | 'part'): Journal {
  jobs += 1;
  return new Journal({
    jobUid: `job${jobs}`,
    dir: join(dir, 'journal'),
    commit: async (segment) => {
      if (until === 'part') await commitSegment({ objects, leases }, segment);
    },
    onFailure: (cause) => {
      throw cause;
    },
  });
}

interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
}

async function measure(work: () => Promise<void>): Promise<Cost> {
  const cpu = process.cpuUsage();
  const began = performance.now();
  await work();
  const wallMs = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs, cpuMs: (user + system) / 1e3 };
}

async function throughJournal(until: 'disk' | 'part'): Promise<void> {
  const journal = openJournal(until);
  for (let row = 0; row < ROWS; row += 1) {
    journal.add(toEntry(row));
    if (row % ROWS_PER_TURN !== 0) continue;
    await journal.room();
    await nextTurn();
  }
  await journal.flush();
}

/** The yardstick: the same slabs in one file, and nothing that makes them last. */
async function unsynced(): Promise<void> {
  const path = join(dir, 'unsynced');
  const file = await open(path, 'w');
  for (let row = 0; row < ROWS; row += ROWS_PER_TURN) {
    const slabs = Array.from({ length: Math.min(ROWS_PER_TURN, ROWS - row) }, (_, place) => encodeEntry(toEntry(row + place)));
    await file.appendFile(Buffer.concat(slabs));
  }
  await file.close();
  await rm(path);
}

/** Calls back with the rows that have just become durable: what a file had been given before a sync of it began. */
async function watchSyncs(durable: (rows: { readonly from: number; readonly count: number }) => void): Promise<() => void> {
  const probe = await open(join(dir, 'probe'), 'w');
  const prototype = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  const { appendFile, datasync } = prototype;
  const written = new WeakMap<FileHandle, { from: number; count: number }>();
  prototype.appendFile = async function (this: FileHandle, ...args: Parameters<FileHandle['appendFile']>) {
    await appendFile.apply(this, args);
    const bytes = args[0] as Buffer;
    const rows = written.get(this) ?? { from: bytes.readUInt32LE(ROW_AT), count: 0 };
    written.set(this, { ...rows, count: rows.count + bytes.length / ENTRY_BYTES });
  };
  prototype.datasync = async function (this: FileHandle) {
    const rows = written.get(this);
    await datasync.call(this);
    if (rows !== undefined) durable(rows);
  };
  return () => Object.assign(prototype, { appendFile, datasync });
}

/** Milliseconds from when each row was due until it was on disk, and the CPU of it all. */
async function paced(): Promise<{ readonly waits: readonly number[]; readonly cost: Cost }> {
  const count = Math.round(RATE * SECONDS);
  const waits = new Float64Array(count).fill(Number.NaN);
  let beganMs = performance.now();
  const stop = await watchSyncs(({ from, count: rows }) => {
    const nowMs = performance.now();
    for (let row = from; row < from + rows; row += 1)
      if (Number.isNaN(waits[row])) waits[row] = nowMs - beganMs - (1e3 * row) / RATE;
  });
  const journal = openJournal('part');
  beganMs = performance.now();
  const cost = await measure(async () => {
    for (let row = 0; row < count; await delay(1)) {
      const due = Math.min(count, ((performance.now() - beganMs) * RATE) / 1e3);
      for (; row < due; row += 1) journal.add(toEntry(row));
    }
    await journal.flush();
  });
  stop();
  if (waits.some(Number.isNaN)) throw new Error('A row was never seen on disk.');
  return { waits: Array.from(waits).toSorted((a, b) => a - b), cost };
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
const megabytes = ({ wallMs }: Cost): string => `${((ROWS * ENTRY_BYTES) / 1e3 / wallMs).toFixed(0)} MB/s`;
const cpuPer = ({ cpuMs }: Cost, rows: number): string => `${((1e3 * cpuMs) / rows).toFixed(1)} ms CPU for 1,000 rows`;

try {
  const ratios = { disk: [] as number[], part: [] as number[] };
  for (let round = -1; round < ROUNDS; round += 1) {
    const yardstick = await measure(unsynced);
    const disk = await measure(() => throughJournal('disk'));
    const part = await measure(() => throughJournal('part'));
    // The round before the first warms up.
    if (round === -1) continue;
    ratios.disk.push(yardstick.wallMs / disk.wallMs);
    ratios.part.push(yardstick.wallMs / part.wallMs);
    const told = Object.entries({ 'un-synced': yardstick, 'on disk': disk, 'part in the store': part });
    console.log(told.map(([name, cost]) => `${name} ${megabytes(cost)}, ${cpuPer(cost, ROWS)}`).join('   '));
  }
  console.log(
    `\nJournal beside the un-synced writer: ${median(ratios.disk).toFixed(2)} × to be on disk (goal 0.5), ${median(ratios.part).toFixed(2)} × to be a part in the store`,
  );
  const { waits, cost } = await paced();
  const at = (share: number): string => (waits[Math.floor(share * (waits.length - 1))] ?? Number.NaN).toFixed(0);
  console.log(
    `${RATE} rows/s for ${SECONDS} s: on disk after p50 ${at(0.5)} ms, p99 ${at(0.99)} ms (goal 60), most ${at(1)} ms; ${cpuPer(cost, waits.length)} (goal 5)`,
  );
} finally {
  await rm(dir, { recursive: true, force: true });
}
