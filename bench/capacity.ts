/**
 * How much of an engine of unknown size is used, by Boatload's own limiter and by others, in virtual time (bench/simulator/backlog.ts describes the model).
 * Efficiency is work done over work possible, from the first request on; `steady` is its second half.
 * Each line is the median of the seeds, with the worst one in brackets. Run: node bench/capacity.ts [seeds] [--tiny]
 * With --http the same over real HTTP and in real time, with the pool that jobs use: node bench/capacity.ts --http [--service-ms 2000] [--most-slots 1024] [--tiny]
 * The simulated engines have one process for all: where even the line that knows the slots loses much, it was too slow for so many requests a second.
 */
import { parseArgs } from 'node:util';
import { Limiter } from '../src/engines/limiter.ts';
import { measureOverHttp } from './capacity/over-http.ts';
import { type Backlog, type BacklogResult, type Controller, runBacklog } from './simulator/backlog.ts';
import { Gradient2, oracle, TcpAimd } from './simulator/peers.ts';
import type { Random } from './simulator/random.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    tiny: { type: 'boolean', default: false },
    http: { type: 'boolean', default: false },
    'service-ms': { type: 'string' },
    'most-slots': { type: 'string', default: '1024' },
  },
});
const SEEDS = Array.from({ length: Number(positionals[0] ?? 5) }, (_, place) => place + 1);
const DURATION = 150;
const GAUGE_MS = 2_000;

type Scenario = Omit<Backlog, 'workers' | 'seed' | 'gaugeEveryMs'>;

interface Way {
  readonly name: string;
  readonly make: (scenario: Scenario) => Controller;
  readonly hasGauge?: boolean;
}

const WAYS: readonly Way[] = [
  { name: 'oracle, 1.1 × slots', make: ({ slots }) => oracle(slots) },
  { name: 'Boatload', make: () => new Limiter() },
  { name: 'Boatload with gauge', make: () => new Limiter(), hasGauge: true },
  { name: 'TCP AIMD', make: () => new TcpAimd() },
  { name: 'Gradient2', make: () => new Gradient2() },
];

/** Many short answers and a few long ones: four in five take 0.3, the fifth 3.8 service times. */
const mixed = (random: Random): number => (random() < 0.8 ? 0.3 : 3.8);

/** As batching engines behave: each further sequence slows all a little. */
const batch = (sequences: number): number => 1 / (1 + sequences / 160);

const SCENARIOS: Readonly<Record<string, Scenario & { readonly workerCount?: number }>> = {
  '8 slots': { slots: 8, duration: DURATION },
  '64 slots': { slots: 64, duration: DURATION },
  '256 slots': { slots: 256, duration: DURATION },
  '1,024 slots': { slots: 1_024, duration: DURATION },
  '256 slots, refuses beyond 64 more': { slots: 256, queue: 64, duration: DURATION },
  '256 slots, refuses at once': { slots: 256, queue: 0, duration: DURATION },
  'batching engine, 256 sequences': { slots: 256, speed: batch, duration: DURATION },
  'short and long answers, 256 slots': { slots: 256, work: mixed, duration: DURATION },
  'answers whose length says nothing of their time': { slots: 256, shown: (_, random) => 0.2 + random(), duration: DURATION },
  'three workers, 256 slots': { slots: 256, workerCount: 3, duration: DURATION },
  'three workers, short and long, refuses': { slots: 256, queue: 64, work: mixed, workerCount: 3, duration: DURATION },
  '64 becomes 256 slots': { slots: 64, change: { at: 80, slots: 256 }, duration: 230 },
  '256 becomes 64 slots': { slots: 256, change: { at: 80, slots: 64 }, duration: 230 },
};

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

function line(name: string, results: readonly BacklogResult[]): string {
  const of = (read: (result: BacklogResult) => number) => results.map(read);
  const least = Math.min(...of(({ efficiency }) => efficiency));
  const fairness = Math.min(...of(({ shares }) => Math.min(...shares) * shares.length));
  return [
    name.padEnd(20),
    `${percent(median(of(({ efficiency }) => efficiency)))} (${percent(least)})`.padStart(18),
    percent(median(of(({ steady }) => steady))).padStart(8),
    percent(median(of(({ refusedShare }) => refusedShare))).padStart(8),
    percent(median(of(({ queued }) => queued))).padStart(9),
    median(of(({ to90 }) => to90))
      .toFixed(0)
      .padStart(9),
    percent(fairness).padStart(9),
  ].join('  ');
}

if (values.http) {
  const serviceMs = Number(values['service-ms'] ?? (values.tiny ? 25 : 2_000));
  await measureOverHttp({ serviceMs, mostSlots: Number(values['most-slots']), isTiny: values.tiny });
} else measureInVirtualTime();

function measureInVirtualTime(): void {
  console.log(
    `${'way'.padEnd(20)}  efficiency (worst)    steady   refused    queued  to 0.9 of   least of`.concat(
      '\n                                                             of slots  the best   its share',
    ),
  );
  for (const [title, { workerCount = 1, ...scenario }] of Object.entries(SCENARIOS).slice(0, values.tiny ? 2 : undefined)) {
    console.log(`\n${title}`);
    for (const { name, make, hasGauge } of WAYS) {
      const results = SEEDS.map((seed) => {
        const perWorker = {
          ...scenario,
          slots: name.startsWith('oracle') ? Math.ceil(scenario.slots / workerCount) : scenario.slots,
        };
        const workers = Array.from({ length: workerCount }, () => make(perWorker));
        return runBacklog({ ...scenario, workers, seed, ...(hasGauge ? { gaugeEveryMs: GAUGE_MS } : {}) });
      });
      console.log(line(name, results));
    }
  }
}
