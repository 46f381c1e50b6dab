/**
 * Found concurrency over real HTTP and in real time: the pool that jobs use, with an endless backlog, against simulated engines in a process of their own, beside a pool that
 * knows the slots and is fixed at 1.1 times as many. All lines run at the same time, so that the machine is the same for all.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { classifyReply } from '../../src/engines/classify-failure.ts';
import { makePool, type Pool, type Slot } from '../../src/engines/pool.ts';
import { openUpstream } from '../../src/engines/upstream.ts';
import { type SimulatedEngine, startEngines } from '../simulator/engine-process.ts';
import type { EngineReport } from '../simulator/real-engine.ts';

interface Scenario {
  readonly title: string;
  readonly slots: number;
  readonly queue?: number;
  readonly workers?: number;
  /** In service times. */
  readonly change?: { readonly at: number; readonly slots: number };
}

const SCENARIOS: readonly Scenario[] = [
  { title: '8 slots', slots: 8 },
  { title: '64 slots', slots: 64 },
  { title: '256 slots', slots: 256 },
  { title: '1,024 slots', slots: 1_024 },
  { title: '256 slots, refuses beyond 64 more', slots: 256, queue: 64 },
  { title: 'three workers, 256 slots', slots: 256, workers: 3 },
  { title: '64 becomes 256 slots', slots: 64, change: { at: 80, slots: 256 } },
];
const TINY: readonly Scenario[] = [
  { title: '8 slots', slots: 8 },
  { title: '8 becomes 32 slots', slots: 8, change: { at: 20, slots: 32 } },
];
const DURATION = 150;
const WAYS = ['oracle, 1.1 × slots', 'Boatload', 'Boatload with gauge'] as const;

interface Line {
  readonly scenario: Scenario;
  readonly way: (typeof WAYS)[number];
  readonly engine: SimulatedEngine;
  readonly serviceMs: number;
  readonly duration: number;
}

const BODY = [Buffer.from(JSON.stringify({ model: 'bench', messages: [{ role: 'user', content: 'How many can you take?' }] }))];

/** Works off an endless backlog until it is told to stop; answers how many rows it got answered. */
async function workOff(pool: Pool, signal: AbortSignal): Promise<number> {
  let answered = 0;
  const ask = async (slot: Slot): Promise<void> => {
    const verdict = classifyReply(await slot.answer({ path: '/v1/chat/completions', body: BODY }, signal));
    if (!signal.aborted && verdict.verdict === 'success') answered += 1;
    slot.release(signal.aborted ? undefined : verdict);
  };
  while (!signal.aborted) {
    const slot = await pool.acquire('bench', signal).catch(() => undefined);
    if (slot !== undefined) void ask(slot);
  }
  return answered;
}

interface Result {
  readonly report: EngineReport;
  /** What the worker with the fewest rows had of its share. */
  readonly leastShare: number;
  readonly limits: readonly number[];
}

async function run({ scenario, way, engine, serviceMs, duration }: Line): Promise<Result> {
  const { slots, workers = 1, change } = scenario;
  const most = Math.max(slots, change?.slots ?? 0);
  const limit = way.startsWith('oracle') ? { limit: Math.ceil((1.1 * most) / workers) } : {};
  const all = Array.from({ length: workers }, () => {
    const upstream = openUpstream({ baseUrl: engine.url });
    return { upstream, pool: makePool([{ engine: upstream, model: 'bench', ...limit }]) };
  });
  const stop = new AbortController();
  const working = all.map(({ pool }) => workOff(pool, stop.signal));
  await delay(serviceMs * (change?.at ?? duration));
  if (change !== undefined) {
    await engine.change({ slots: change.slots });
    await delay(serviceMs * (duration - change.at));
  }
  const report = await engine.report();
  const limits = all.flatMap(({ pool }) => pool.status().map((status) => status.limit));
  stop.abort();
  const rows = await Promise.all(working);
  for (const { pool } of all) pool.close();
  await Promise.all(all.map(({ upstream }) => upstream.close()));
  return { report, limits, leastShare: (Math.min(...rows) * workers) / rows.reduce((sum, count) => sum + count, 0) };
}

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

const describe = (way: string, { report, leastShare, limits }: Result): string =>
  [
    way.padEnd(20),
    percent(report.efficiency).padStart(10),
    percent(report.steady).padStart(8),
    percent(report.refusedShare).padStart(8),
    percent(report.queued).padStart(9),
    `${report.to90 ?? 'never'}`.padStart(9),
    percent(leastShare).padStart(9),
    limits.join(' + ').padStart(9),
  ].join('  ');

interface Options {
  readonly serviceMs: number;
  /** Leaves out larger engines. */
  readonly mostSlots: number;
  readonly isTiny: boolean;
}

/** Runs all scenarios side by side and prints a line each. */
export async function measureOverHttp({ serviceMs, mostSlots, isTiny }: Options): Promise<void> {
  const scenarios = (isTiny ? TINY : SCENARIOS).filter(({ slots }) => slots <= mostSlots);
  const duration = isTiny ? 40 : DURATION;
  const lines = scenarios.flatMap((scenario) => WAYS.map((way) => ({ scenario, way })));
  const server = await startEngines(
    lines.map(({ scenario: { slots, queue }, way }, place) => ({
      slots,
      serviceMs,
      seed: place + 1,
      hasGauge: way.endsWith('gauge'),
      ...(queue !== undefined && { queue }),
    })),
  );
  const before = process.cpuUsage();
  const began = performance.now();
  try {
    const results = await Promise.all(
      lines.map((line, place) => run({ ...line, engine: server.engines[place] as SimulatedEngine, serviceMs, duration })), // one each
    );
    console.log(`${'way'.padEnd(20)}  efficiency    steady   refused    queued  to 0.9     least of   limits`);
    for (const [place, { scenario, way }] of lines.entries()) {
      if (way === WAYS[0]) console.log(`\n${scenario.title}`);
      console.log(describe(way, results[place] as Result)); // one each
    }
  } finally {
    server.stop();
  }
  const { user, system } = process.cpuUsage(before);
  const busy = (user + system) / 1e3 / (performance.now() - began);
  console.log(`\n${duration} service times of ${serviceMs} ms; this process used ${percent(busy)} of a core.`);
}
