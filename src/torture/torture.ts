/** Many seeds, a verdict each, and what came of all of them. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ground } from './house.ts';
import { runSeed, type SeedResult } from './run-seed.ts';
import { drawScenario, inWords, type Size } from './scenario.ts';

export interface TortureOptions {
  readonly seeds: readonly number[];
  readonly sizes: readonly Size[];
  /** Rows of each seed. */
  readonly rows: number;
  /** Seeds that run beside each other: much of one is waiting for leases to end. */
  readonly atOnce: number;
  /** Where seeds have their folders; those of good ones are removed. */
  readonly dir: string;
  /** The program's first file. */
  readonly program: string;
  /** A fleet needs it. */
  readonly ground?: Ground;
  /** Told of each seed when it is over. */
  readonly onResult: (result: SeedResult) => void;
}

/** Runs all seeds of all sizes. Answers them in the order of their numbers. */
export async function torture({ seeds, sizes, atOnce, onResult, ...options }: TortureOptions): Promise<readonly SeedResult[]> {
  const wanted = sizes.flatMap((size) => seeds.map((seed) => ({ seed, size })));
  const results = new Map<string, SeedResult>();
  const queue = wanted.values();
  const work = async (): Promise<void> => {
    for (const { seed, size } of queue) {
      const result = await runOne(options, seed, size);
      results.set(`${size} ${seed}`, result);
      onResult(result);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return wanted.flatMap(({ seed, size }) => results.get(`${size} ${seed}`) ?? []);
}

async function runOne(
  { rows, dir, program, ground }: Omit<TortureOptions, 'seeds' | 'sizes' | 'atOnce' | 'onResult'>,
  seed: number,
  size: Size,
): Promise<SeedResult> {
  const own = join(dir, `${size}-${seed}`);
  await rm(own, { recursive: true, force: true });
  const scenario = drawScenario(seed, { size, rows, canRestart: ground?.restartDatabase !== undefined });
  const result = await runSeed({ scenario, dir: own, program, ground });
  if (result.violations.length === 0) await rm(own, { recursive: true, force: true });
  return result;
}

/** A seed in one line. */
export function toLine({ scenario, seconds, violations, figures, restarts, crashed }: SeedResult): string {
  const { seed, size } = scenario;
  const good = crashed === false ? 'void' : 'ok';
  const verdict = violations.length === 0 ? good : `BROKEN: ${[...new Set(violations.map(({ kind }) => kind))].join(', ')}`;
  const point = crashed === false ? ', its crash point was not reached' : '';
  return `${size} ${seed}  ${verdict}  ${inWords(scenario)}  (${figures.answers} answers of ${figures.rows} rows, ${figures.askedAgain} asked again, ${restarts} restarts, ${seconds.toFixed(0)} s${point})`;
}

/** All seeds as a table: what was tried, how often, what was not kept. */
export function toTable(results: readonly SeedResult[]): string {
  const columns = [
    'Size',
    'What happens',
    'Seeds',
    'Rows',
    'Lost',
    'Doubled',
    'Wrongly keyed',
    'Stuck',
    'Billed ≠ delivered',
    'Other',
    'Asked again',
  ];
  const lines = [...groupByHappening(results)]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([name, group]) => toRow(name, group));
  const all = toRow('both\u0000all', results);
  return [columns, columns.map(() => '---'), ...lines, all].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** A seed counts for everything that happens to it. */
function groupByHappening(results: readonly SeedResult[]): ReadonlyMap<string, readonly SeedResult[]> {
  const groups = new Map<string, SeedResult[]>();
  for (const result of results)
    for (const name of happeningsOf(result)) {
      const key = `${result.scenario.size}\u0000${name}`;
      groups.set(key, [...(groups.get(key) ?? []), result]);
    }
  return groups;
}

function happeningsOf({ scenario: { shape, crash, faults }, crashed }: SeedResult): readonly string[] {
  const phase = crashed === true && crash !== undefined ? [`dies in: ${crash.point.split('.')[0]}`] : [];
  return [
    ...new Set([
      `job: ${shape}`,
      ...phase,
      ...faults.map(({ kind, ...fault }) => `fault: ${kind}${'from' in fault ? ` from ${fault.from}` : ''}`),
    ]),
  ];
}

const OWN_COLUMN: readonly string[] = ['lost', 'doubled', 'wrongly keyed', 'stuck', 'billed is not delivered'];

function toRow(name: string, results: readonly SeedResult[]): readonly string[] {
  const [size = '', happening = ''] = name.split('\u0000');
  const sum = (read: (result: SeedResult) => number): string =>
    results.reduce((total, result) => total + read(result), 0).toLocaleString('en');
  // Its crash point was not reached: such a seed has shown less than it says.
  const voids = results.filter(({ crashed }) => crashed === false).length;
  const count = (isCounted: (kind: string) => boolean): string =>
    sum(({ violations }) => violations.filter(({ kind }) => isCounted(kind)).length);
  return [
    size,
    happening,
    voids === 0 ? `${results.length}` : `${results.length}, ${voids} of them void`,
    sum(({ figures }) => figures.rows),
    ...OWN_COLUMN.map((kind) => count((one) => one === kind)),
    count((one) => !OWN_COLUMN.includes(one)),
    sum(({ figures }) => figures.askedAgain),
  ];
}
