/** What a process says of itself for Prometheus: what there is to do, what its engines do, what it committed; and how Node is. */
import { setTimeout as delay } from 'node:timers/promises';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { LeaseCounts } from './count-leases.ts';
import type { OpenWork } from './db/queries/count-open-work.ts';
import { addUp } from './jobs/add-up.ts';
import type { Progress } from './jobs/job.ts';
import type { ModelShelf } from './shelf/model-shelf.ts';
import { readVersion } from './versions.ts';

export interface Metrics {
  readonly contentType: string;
  /** As they are now. */
  read(): Promise<string>;
}

/** What is read. */
export interface Measured {
  readonly models: Pick<ModelShelf, 'status'>;
  /** What its worker has done. */
  readonly counts: Readonly<LeaseCounts>;
  /** What its worker has finished of a job beyond the committed parts. */
  live(jobUid: string): Progress | undefined;
  /** What there is to do for all processes; absent where only others know. */
  readonly openWork?: (() => Promise<OpenWork>) | undefined;
}

/** Reads what changes without us: called before each answer. */
type Refresh = () => Promise<void> | void;

/** Everything is read when somebody asks. */
export function makeMetrics(measured: Measured): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  addBuild(registry);
  addLeases(registry, measured);
  addRows(registry, measured);
  const { openWork } = measured;
  const refreshed: readonly Refresh[] = [
    addEngines(registry, measured),
    ...(openWork === undefined ? [] : [addOpenWork(registry, openWork)]),
  ];
  return {
    contentType: registry.contentType,
    async read() {
      await Promise.all(refreshed.map((refresh) => refresh()));
      return registry.metrics();
    },
  };
}

function addBuild(registry: Registry): void {
  const build = new Gauge({
    name: 'boatload_build_info',
    help: 'Always 1; what runs here is in the labels',
    labelNames: ['version', 'node'],
    registers: [registry],
  });
  build.set({ version: readVersion(), node: process.versions.node }, 1);
}

/** While the database is away all else must be seen. */
const PATIENCE_MS = 2_000;

/** The same in every process that has the database: take the maximum, not the sum. */
function addOpenWork(registry: Registry, openWork: () => Promise<OpenWork>): Refresh {
  const jobs = new Gauge({
    name: 'boatload_open_jobs',
    help: 'Jobs of all accounts that have not ended, by state',
    labelNames: ['state'],
    registers: [registry],
  });
  const tasks = new Gauge({
    name: 'boatload_open_tasks',
    help: 'What is to be done for all jobs together, whether or not a worker has it: inputs to plan, shards of rows to run, results to merge',
    labelNames: ['kind'],
    registers: [registry],
  });
  return async () => {
    const counted = openWork().catch(() => undefined);
    const work = await Promise.race([counted, delay(PATIENCE_MS, undefined, { ref: false })]);
    for (const gauge of [jobs, tasks]) gauge.reset();
    if (work === undefined) return;
    for (const [state, count] of Object.entries(work.jobs)) jobs.set({ state }, count);
    for (const [kind, count] of Object.entries(toOpenTasks(work))) tasks.set({ kind }, count);
  };
}

/** What workers have to do, by kind of task; who adds and removes workers goes by it. */
export const toOpenTasks = ({ jobs, shards }: OpenWork) => ({
  plan: jobs.VALIDATING ?? 0,
  shard: shards,
  merge: jobs.WRITING_RESULTS ?? 0,
});

function addEngines(registry: Registry, { models }: Measured): Refresh {
  const addGauge = (name: string, help: string): Gauge<'engine' | 'model'> =>
    new Gauge({ name, help, labelNames: ['engine', 'model'], registers: [registry] });
  const inFlight = addGauge('boatload_engine_in_flight', 'Requests of this process that the engine works on');
  const limit = addGauge(
    'boatload_engine_limit',
    'How many requests the engine gets from this process at once, as found or fixed',
  );
  const ready = addGauge('boatload_engine_ready', '1: gets requests; 0: paused, broken or being removed');
  const unloaded = addGauge(
    'boatload_engine_unloaded',
    '1: its model left the memory, as nobody asked it or another one needs the room, and the next request loads it; 0: it has not',
  );
  return () => {
    for (const gauge of [inFlight, limit, ready, unloaded]) gauge.reset();
    for (const { engine, name: model, ...status } of models.status()) {
      inFlight.set({ engine, model }, status.inFlight);
      limit.set({ engine, model }, status.limit);
      ready.set({ engine, model }, status.state === 'ready' ? 1 : 0);
      unloaded.set({ engine, model }, status.isUnloaded ? 1 : 0);
    }
  };
}

function addLeases(registry: Registry, { counts, live }: Measured): void {
  addCounter(registry, {
    name: 'boatload_leases_taken_total',
    help: 'Shards that this process began to run',
    read: () => [[{}, counts.taken]],
  });
  addCounter(registry, {
    name: 'boatload_leases_lost_total',
    help: 'Shards that somebody else took over from this process',
    read: () => [[{}, counts.lost]],
  });
  new Gauge({
    name: 'boatload_leases_held',
    help: 'Shards that this process runs now',
    registers: [registry],
    collect() {
      this.set(counts.held.size);
    },
  });
  new Gauge({
    name: 'boatload_rows_uncommitted',
    help: "Finished rows that are in this process's journal only",
    registers: [registry],
    collect() {
      const jobs = new Set(Array.from(counts.held.values(), ({ jobUid }) => jobUid));
      const { ok, failed } = addUp([...jobs].flatMap((jobUid) => live(jobUid) ?? []));
      this.set(ok + failed);
    },
  });
}

function addRows(registry: Registry, { counts }: Measured): void {
  addCounter(registry, {
    name: 'boatload_commits_total',
    help: 'Parts that this process committed; a refused one was fenced off, or its rows were committed before',
    labelNames: ['result'],
    read: () => [
      [{ result: 'accepted' }, counts.accepted],
      [{ result: 'refused' }, counts.refused],
    ],
  });
  addCounter(registry, {
    name: 'boatload_rows_total',
    help: 'Rows that this process committed',
    labelNames: ['result'],
    read: () => [
      [{ result: 'ok' }, counts.ok],
      [{ result: 'failed' }, counts.failed],
    ],
  });
  addCounter(registry, {
    name: 'boatload_tokens_total',
    help: 'Tokens of the rows that this process committed; cached ones are among those of the input',
    labelNames: ['kind'],
    read: () => [
      [{ kind: 'input' }, counts.inputTokens],
      [{ kind: 'output' }, counts.outputTokens],
      [{ kind: 'cached' }, counts.cachedTokens],
    ],
  });
}

interface CounterOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: string[];
  readonly read: () => readonly (readonly [Record<string, string>, number])[];
}

/** A counter that is kept elsewhere. */
function addCounter(registry: Registry, { read, ...counter }: CounterOptions): void {
  new Counter({
    ...counter,
    registers: [registry],
    collect() {
      this.reset();
      for (const [labels, value] of read()) this.inc(labels, value);
    },
  });
}
