/**
 * What does the database carry? Many simulated workers (real leases, commits and queue on a real PostgreSQL; only the engine is time alone) in a few
 * processes, and 10,000 open jobs of 20 accounts. Run: node bench/scale.ts [--tiny]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { openStore } from '../src/db/open-store.ts';
import type { Store } from '../src/db/store.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { KINDS, type Kind, type Measured, type Phase } from './scale/plan.ts';
import { readServerCpu } from './scale/server-cpu.ts';

const TINY = process.argv.includes('--tiny');
const PROCESSES = TINY ? 2 : 4;
const WORKERS = TINY ? 40 : 1_000;
const JOBS = TINY ? 200 : 10_000;
const SECONDS = TINY ? 3 : 20;
const SHARDS = 6;
const ACCOUNTS = 20;
const MODEL = 'accounts/boatload/models/simulated';

type Named = Omit<Phase, 'url' | 'workers' | 'seconds' | 'shardRows'> & { readonly name: string; readonly idle?: boolean };

const PHASES: readonly Named[] = [
  { name: 'nothing to do', shardSeconds: 10, idle: true },
  { name: '10 s a shard', shardSeconds: 10 },
  { name: '1 s a shard: ten times', shardSeconds: 1 },
];

/** Jobs with their shards as planning leaves them, written at once. */
async function makeJobs({ db }: Store): Promise<void> {
  await sql`insert into account (id, display_name, created_at) select 'a' || n, '', now() from generate_series(0, ${ACCOUNTS - 1}::int) n`.execute(
    db,
  );
  await sql`
    insert into job (uid, account_id, id, display_name, created_by, state, status_code, status_message, model, precision, input_dataset_id,
                     output_dataset_id, settings, created_at, updated_at, expires_at, total_rows, input_rows, shard_count)
    select gen_random_uuid(), 'a' || n % ${ACCOUNTS}::int, 'j' || n, '', 'bench', 'PENDING', 'OK', '', ${MODEL}, 'BF16', 'in',
           'out' || n, '{}', now(), now(), now() + interval '1 day', ${SHARDS * 1_000}::int, ${SHARDS * 1_000}::int, ${SHARDS}::int
      from generate_series(1, ${JOBS}::int) n
  `.execute(db);
  await sql`
    insert into shard (job_uid, index, first, count) select uid, n, n * 1000, 1000 from job, generate_series(0, ${SHARDS - 1}::int) n
  `.execute(db);
  await sql`
    insert into waiting (job_uid, lane, account_id, next, last, due, step_ms)
    select uid, model, account_id, 0, ${SHARDS - 1}::int, created_at, ${86_400_000 / SHARDS} from job
  `.execute(db);
  await sql`insert into turn (lane, account_id) select distinct lane, account_id from waiting`.execute(db);
  await sql`vacuum analyze`.execute(db);
}

interface Counters {
  readonly transactions: number;
  readonly bytes: number;
  readonly cpu: number;
}

async function readCounters({ db }: Store): Promise<Counters> {
  const { rows } = await sql<{ readonly transactions: number; readonly bytes: number }>`
    select xact_commit::float8 as transactions, pg_database_size(datname)::float8 as bytes from pg_stat_database where datname = current_database()
  `.execute(db);
  return { transactions: 0, bytes: 0, ...rows[0], cpu: await readServerCpu(db) };
}

interface Running {
  /** The database is open and the workers begin. */
  readonly begun: Promise<unknown>;
  readonly measured: Promise<Measured>;
}

/** Runs a process of workers. */
function runProcess(phase: Phase): Running {
  const child = fork(new URL('scale/workers.ts', import.meta.url), [JSON.stringify(phase)]);
  const ended = once(child, 'exit');
  const begun = Promise.race([once(child, 'message'), ended]);
  const measured = new Promise<Measured>((resolve, reject) => {
    child.on('message', (message) => {
      if (typeof message === 'object') void ended.then(() => resolve(message as Measured)); // what workers.ts sends
    });
    child.on('exit', (code) => {
      if (code !== 0) reject(new Error(`A process of workers ended with ${code}.`));
    });
  });
  return { begun, measured };
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;

async function runPhase(store: Store, phase: Phase, name: string): Promise<void> {
  const processes = Array.from({ length: PROCESSES }, () => runProcess({ ...phase, workers: phase.workers / PROCESSES }));
  const running = Promise.all(processes.map(({ measured }) => measured));
  await Promise.all(processes.map(({ begun }) => begun));
  const [before, since] = [await readCounters(store), performance.now()];
  await Promise.race([running, delay(phase.seconds * 1_000 - 500)]);
  const [after, seconds] = [await readCounters(store), (performance.now() - since) / 1_000];
  const measured = await running;
  const all = (kind: Kind) => measured.flatMap(({ latencies }) => latencies[kind]).toSorted((a, b) => a - b);
  const ours = measured.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) / phase.seconds;
  console.log(`\n${name}: ${phase.workers} workers in ${PROCESSES} processes`);
  console.log(`  transactions/s ${((after.transactions - before.transactions) / seconds).toFixed(0)}`);
  console.log(`  CPU, in cores: PostgreSQL ${((after.cpu - before.cpu) / seconds).toFixed(2)}, ours ${ours.toFixed(2)}`);
  for (const kind of KINDS) {
    const list = all(kind);
    const [p50, p99] = [quantile(list, 0.5), quantile(list, 0.99)].map((ms) => ms.toFixed(1));
    if (list.length > 0)
      console.log(`  ${kind.padEnd(7)} ${(list.length / phase.seconds).toFixed(0).padStart(5)}/s  p50 ${p50} ms  p99 ${p99} ms`);
  }
  const count = (of: keyof Measured['trouble']) => measured.reduce((sum, { trouble }) => sum + trouble[of], 0);
  const why = measured.find(({ firstFailure }) => firstFailure !== '')?.firstFailure ?? '';
  console.log(`  leases lost ${count('lost')}, commits refused ${count('refused')}, calls failed ${count('failed')} ${why}`);
  console.log(`  database ${(after.bytes / 1e6).toFixed(0)} MB, grown by ${((after.bytes - before.bytes) / 1e6).toFixed(1)} MB`);
}

async function tellDead({ db }: Store): Promise<void> {
  const { rows } = await sql<{ readonly name: string; readonly dead: number; readonly live: number }>`
    select relname as name, n_dead_tup::float8 as dead, n_live_tup::float8 as live from pg_stat_user_tables
     where n_dead_tup > 0 order by n_dead_tup desc limit 6
  `.execute(db);
  console.log('\ndead rows that vacuum has not taken away yet');
  for (const { name, dead, live } of rows) console.log(`  ${name.padEnd(20)} ${dead} beside ${live} live`);
}

/** How fair it was: shards that each account got, the least and the most. */
async function tellShares({ db }: Store): Promise<void> {
  const { rows } = await sql<{ readonly least: number; readonly most: number }>`
    select min(taken)::float8 as least, max(taken)::float8 as most from (
      select count(*) as taken from shard join job on job.uid = shard.job_uid where shard.epoch > 0 group by job.account_id) accounts
  `.execute(db);
  console.log(`\nshards by account: least ${rows[0]?.least}, most ${rows[0]?.most}`);
}

const server = await startPostgres();
try {
  const url = await server.makeDatabase();
  const store = await openStore({ url });
  const run = ({ name, idle: _, ...phase }: Named) =>
    runPhase(store, { ...phase, url, workers: WORKERS, seconds: SECONDS, shardRows: 1_000 }, name);
  for (const phase of PHASES.filter(({ idle }) => idle === true)) await run(phase);
  await makeJobs(store);
  console.log(`\n${JOBS} jobs of ${ACCOUNTS} accounts, ${SHARDS} shards each`);
  for (const phase of PHASES.filter(({ idle }) => idle !== true)) await run(phase);
  await tellShares(store);
  await tellDead(store);
  await store.close();
} finally {
  await server.stop();
}
