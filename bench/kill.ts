/**
 * What does `kill -9` cost? A job runs on an engine that takes 100 to 500 ms a row, and a process is killed in the middle of it: the one that does everything
 * (`up`, started again by a supervisor that takes 0.2 s), and one of four workers of a fleet on PostgreSQL and S3 (which stays dead). The engine's own log says when the
 * rows that were in flight are asked again, and which were asked again though they had been answered; the dead process's own files say which of these it had finished.
 *
 *   node bench/kill.ts [rounds] [--tiny]       needs the Debian packages radosgw ceph-mon ceph-osd ceph-common; with --tiny one process alone, without them
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { decodeEntries } from '../src/jobs/read-entries.ts';
import { readQuestion } from '../src/torture/answers.ts';
import type { Call } from '../src/torture/call-log.ts';
import { type Ground, type House, openHouse } from '../src/torture/house.ts';
import { type Order, outcomeOf, placeOrder, readOrder } from '../src/torture/orders.ts';
import type { Size } from '../src/torture/scenario.ts';
import { installProgram } from '../test/support/installed.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { S3_KEY, startS3 } from '../test/support/s3-server.ts';

const { positionals, values } = parseArgs({ allowPositionals: true, options: { tiny: { type: 'boolean', default: false } } });
const ROUNDS = Number(positionals[0] ?? 5);
/** Several shards of 1,000 for each worker. */
const ROWS = values.tiny ? 300 : 12_000;
/** As people get it, which starts faster than the sources; these where it must be quick. */
const PROGRAM = values.tiny ? fileURLToPath(new URL('../bin/boatload.js', import.meta.url)) : (await installProgram()).program;
const FROM_MS = 100;
const TO_MS = 500;
/** The API is the first of a fleet. */
const DOOMED = { embedded: 0, fleet: 1 } as const;

interface Cost {
  /** From the kill, in seconds, until the first and the last of the rows that were in flight was asked again. */
  readonly firstSeconds: number;
  readonly lastSeconds: number;
  /** Rows that were asked again though they had been answered before the kill. */
  readonly redone: number;
  /** How long before the kill the oldest of their answers had come. */
  readonly oldestMs: number;
  /** Rows asked again whose answers were in the one process's journal or parts when it died; a fleet's journals are nobody's after a death. */
  readonly redoneFinished: number;
  /** How many those were in all. */
  readonly finished: number;
}

async function measure(size: Size, seed: number, ground: Ground | undefined): Promise<Cost> {
  const dir = await mkdtemp(join(tmpdir(), 'boatload-kill-'));
  const latency = { fromMs: FROM_MS, toMs: TO_MS };
  const plan = {
    seed,
    size,
    shape: 'plain',
    dialect: 'fireworks',
    inParts: false,
    rows: ROWS,
    latency,
    crash: undefined,
    faults: [],
  } as const;
  const house = await openHouse({ scenario: plan, dir, program: PROGRAM, ground });
  try {
    const order = await placeOrder(house.desk, { name: 'job', dialect: 'fireworks', rows: ROWS });
    await house.engine.untilAnswered(ROWS / 3);
    const killedAt = Date.now();
    kill(house, size);
    const finished = size === 'embedded' ? await readFinished(join(dir, 'data'), order) : new Set<string>();
    while (outcomeOf(await readOrder(house.desk, order)) === undefined) await delay(300);
    return toCost(house.engine.calls, { killedAt, finished });
  } finally {
    await house.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** A worker that came back at once would go on with its journal, and what others do for it could not be seen. */
function kill({ members }: House, size: Size): void {
  const doomed = members[DOOMED[size]];
  if (size === 'embedded') doomed?.signal('SIGKILL');
  else void doomed?.stop();
}

/** A supervisor's pause is longer than a process needs to die, and shorter than that nothing else writes here. */
const DEAD_AFTER_MS = 50;

/** The keys of the rows that a dead process had finished: they stand whole in its journal, or in a part. */
async function readFinished(dataDir: string, { input }: Order): Promise<ReadonlySet<string>> {
  await delay(DEAD_AFTER_MS);
  const names = await readdir(dataDir, { recursive: true });
  const files = names.filter((name) => name.endsWith('.journal') || /\/parts\/[^/]+$/.test(name));
  const contents = await Promise.all(files.map((name) => readFile(join(dataDir, name))));
  const rows = contents.flatMap((bytes) => decodeEntries(bytes).entries.map(({ row }) => row));
  return new Set(rows.map((row) => keyOf(input[row] ?? '')));
}

const keyOf = (line: string): string => readQuestion(JSON.parse(line).body).key;

interface Death {
  readonly killedAt: number;
  readonly finished: ReadonlySet<string>;
}

function toCost(calls: readonly Call[], { killedAt, finished }: Death): Cost {
  const first = calls.filter(({ attempt, at }) => attempt === 1 && at <= killedAt);
  const secondOf = new Map(calls.flatMap((call) => (call.attempt === 2 ? [[call.key, call] as const] : [])));
  const again = first.flatMap((call) => {
    const second = secondOf.get(call.key);
    return second === undefined ? [] : [{ call, seconds: (second.at - killedAt) / 1_000 }];
  });
  const inFlight = again.filter(({ call }) => !isAnswered(call, killedAt)).map(({ seconds }) => seconds);
  const redone = again.filter(({ call }) => isAnswered(call, killedAt));
  return {
    firstSeconds: Math.min(...inFlight),
    lastSeconds: Math.max(...inFlight),
    redone: redone.length,
    oldestMs: Math.max(0, ...redone.map(({ call }) => killedAt - call.endedAt)),
    redoneFinished: again.filter(({ call }) => finished.has(call.key)).length,
    finished: finished.size,
  };
}

const isAnswered = ({ complete, endedAt }: Call, killedAt: number): boolean => complete && endedAt <= killedAt;

function tell(size: Size, costs: readonly Cost[]): void {
  const of = (pick: (cost: Cost) => number, digits = 1) => costs.map((cost) => pick(cost).toFixed(digits)).join(' ');
  console.log(`${size === 'embedded' ? 'one process' : 'a worker of four, PostgreSQL and S3'}, ${costs.length} kills`);
  console.log(`  rows in flight asked again after, first     ${of(({ firstSeconds }) => firstSeconds)} s`);
  console.log(`  rows in flight asked again after, last      ${of(({ lastSeconds }) => lastSeconds)} s`);
  console.log(`  answered rows asked again                   ${of(({ redone }) => redone, 0)}`);
  console.log(`  the oldest of their answers had come        ${of(({ oldestMs }) => oldestMs, 0)} ms before`);
  if (size === 'fleet') return;
  console.log(`  rows in journal or parts at the kill        ${of(({ finished }) => finished, 0)}`);
  console.log(`  of these asked again                        ${of(({ redoneFinished }) => redoneFinished, 0)}`);
}

Object.assign(process.env, S3_KEY);
const rounds = Array.from({ length: values.tiny ? 1 : ROUNDS }, (_, round) => round + 1);
const costsOf = async (size: Size, ground?: Ground): Promise<readonly Cost[]> => {
  const costs: Cost[] = [];
  for (const round of rounds) costs.push(await measure(size, round, ground));
  return costs;
};
tell('embedded', await costsOf('embedded'));
if (!values.tiny) {
  const [postgres, s3] = await Promise.all([startPostgres(), startS3()]);
  try {
    tell('fleet', await costsOf('fleet', { database: await postgres.makeDatabase(), objects: await s3.makeBucket() }));
  } finally {
    await Promise.all([postgres.stop(), s3.stop()]);
  }
}
// PostgreSQL's package has hooks of its own for the end of a process, which forget the code.
process.exit();
