/** What happens to a seed: drawn from its number alone, so that the same number is the same story again. */
import { CRASH_POINTS, type CrashPoint } from '../base/crash-point.ts';
import { chanceOf, type Shares } from './chance.ts';
import type { EngineFault } from './lies.ts';
import type { Dialect } from './output-row.ts';
import type { StorePlan } from './store-line.ts';

/** One process on the embedded database, or an API and four workers on PostgreSQL and S3. */
export type Size = 'embedded' | 'fleet';

/** What the user does while the job runs. */
export const SHAPES = ['plain', 'two jobs', 'paused', 'cancelled', 'continued', 'expired'] as const;
export type Shape = (typeof SHAPES)[number];

/** What goes wrong, once so many rows have been answered. */
export type Fault = { readonly afterRows: number } & (
  | { readonly kind: 'kill'; readonly member: number }
  | { readonly kind: 'pause'; readonly member: number; readonly ms: number }
  | {
      readonly kind: 'partition';
      readonly member: number;
      readonly from: Link;
      readonly how: 'cut' | 'stall';
      readonly ms: number;
    }
  | { readonly kind: 'store'; readonly faults: StorePlan['faults']; readonly ms: number }
  | { readonly kind: 'engine'; readonly faults: Shares<EngineFault>; readonly ms: number }
  | { readonly kind: 'database restart' }
);

/** What a process of a fleet is connected to by a line that can be broken. */
export type Link = 'database' | 'store' | 'engine';

export interface Scenario {
  readonly seed: number;
  readonly size: Size;
  readonly shape: Shape;
  readonly dialect: Dialect;
  /** Whether the input comes as an upload in parts. */
  readonly inParts: boolean;
  readonly rows: number;
  /** How long the engine takes for an answer. */
  readonly latency: { readonly fromMs: number; readonly toMs: number };
  /** Where every process dies once, if it comes to pass there. */
  readonly crash: { readonly point: CrashPoint; readonly passing: number } | undefined;
  readonly faults: readonly Fault[];
}

/** Of a fleet: the API, and the workers. */
export const MEMBERS: Readonly<Record<Size, number>> = { embedded: 1, fleet: 5 };

const MOST_FAULTS = 4;

/** Draws the story of a seed. */
export function drawScenario(
  seed: number,
  { size, rows, canRestart }: { size: Size; rows: number; canRestart: boolean },
): Scenario {
  const draw = new Draw(`${seed} ${size}`);
  const shape = draw.one(SHAPES);
  // What is continued is a job of Fireworks' dialect alone.
  const dialect = shape === 'continued' || draw.chance() < 0.5 ? 'fireworks' : 'openai';
  // A window that is short enough to run out comes with Fireworks' requests.
  const inParts = dialect === 'openai' && shape !== 'expired' && draw.chance() < 0.5;
  const crash = draw.chance() < 0.6 ? drawCrash(draw, { shape, dialect, inParts, rows }) : undefined;
  const kinds = size === 'embedded' ? EMBEDDED_FAULTS : FLEET_FAULTS.filter((kind) => canRestart || kind !== 'database restart');
  const count = draw.between(crash === undefined ? 1 : 0, MOST_FAULTS);
  const faults = Array.from({ length: count }, () => drawFault(draw, draw.one(kinds), { size, rows }));
  return {
    seed,
    size,
    shape,
    dialect,
    inParts,
    rows,
    latency: draw.one(LATENCIES),
    crash,
    faults: faults.toSorted((a, b) => a.afterRows - b.afterRows),
  };
}

const LATENCIES = [
  { fromMs: 0, toMs: 0 },
  { fromMs: 1, toMs: 20 },
  { fromMs: 10, toMs: 200 },
] as const;

const EMBEDDED_FAULTS = ['kill', 'kill', 'engine', 'partition'] as const;
const FLEET_FAULTS = ['kill', 'kill', 'pause', 'partition', 'partition', 'store', 'engine', 'database restart'] as const;

/** Points that only one shape comes to. */
const ONLY: Readonly<Partial<Record<CrashPoint, Shape>>> = {
  'continue.before-commit': 'continued',
  'continue.after-commit': 'continued',
};
const WITH_CANCEL: readonly Shape[] = ['cancelled', 'continued'];
/** Of a job with so many rows, or more. */
const ROWS_OF_PASSINGS = 10_000;
/** How often the points of single rows, segments and shards are passed before one dies there. */
const PASSINGS: readonly [prefix: string, most: number][] = [
  ['dispatch', 2_000],
  ['journal', 2_000],
  ['part', 4],
  ['commit', 4],
  ['settle', 4],
  ['lease', 6],
];

type Kind = Pick<Scenario, 'shape' | 'dialect' | 'inParts'>;

function drawCrash(draw: Draw, { rows, ...kind }: Kind & Pick<Scenario, 'rows'>): Scenario['crash'] {
  const points = Object.keys(CRASH_POINTS).filter((name): name is CrashPoint => isPassed(name as CrashPoint, kind)); // the keys of that record
  const point = draw.one(points);
  const [, most] = PASSINGS.find(([prefix]) => point.startsWith(prefix)) ?? ['', 1];
  // A small job passes none of them often.
  const share = Math.min(1, rows / ROWS_OF_PASSINGS);
  return { point, passing: draw.between(1, Math.max(1, Math.floor(most * share))) };
}

function isPassed(point: CrashPoint, { shape, dialect, inParts }: Kind): boolean {
  if (point.startsWith('complete')) return inParts;
  // OpenAI's files come another way, and a job that was cancelled may leave nothing to continue.
  if (point.startsWith('upload') && dialect === 'openai') return false;
  if (point.startsWith('cancel')) return WITH_CANCEL.includes(shape);
  // A cancelled job is ended by the same upkeep as one whose time is over.
  if (point.startsWith('expire')) return shape === 'expired' || WITH_CANCEL.includes(shape);
  return (ONLY[point] ?? shape) === shape;
}

function drawFault(draw: Draw, kind: Fault['kind'], { size, rows }: Pick<Scenario, 'size' | 'rows'>): Fault {
  const afterRows = draw.between(1, Math.floor(rows * 0.8));
  const member = draw.between(0, MEMBERS[size] - 1);
  // Longer than a lease lives, sometimes: then the shards are somebody else's when the process is back.
  const ms = draw.chance() < 0.3 ? draw.between(12_000, 16_000) : draw.between(200, 4_000);
  switch (kind) {
    case 'kill':
      return { kind, afterRows, member };
    case 'pause':
      return { kind, afterRows, member: draw.between(1, MEMBERS[size] - 1), ms };
    case 'partition':
      return {
        kind,
        afterRows,
        member,
        from: size === 'embedded' ? 'engine' : draw.one(LINKS),
        how: draw.one(['cut', 'stall']),
        ms,
      };
    case 'store':
      return { kind, afterRows, faults: draw.one(STORE_FAULTS), ms };
    case 'engine':
      return { kind, afterRows, faults: draw.one(ENGINE_FAULTS), ms: Math.min(ms, 6_000) };
    case 'database restart':
      return { kind, afterRows };
  }
}

const LINKS: readonly Link[] = ['database', 'store', 'engine'];

const STORE_FAULTS: readonly StorePlan['faults'][] = [
  { PUT: { '503': 0.5 }, GET: { '503': 0.3 }, POST: { '503': 0.3 } },
  { PUT: { 'lost-reply': 0.4 }, POST: { 'lost-reply': 0.2 }, DELETE: { 'lost-reply': 0.3 } },
  { PUT: { 'cut-request': 0.3, reset: 0.2 }, GET: { 'cut-reply': 0.4 } },
  { PUT: { slow: 0.5 }, GET: { slow: 0.3 }, HEAD: { '500': 0.5 } },
];

/** Only such as cost no row its tries: what a row ends as that meets the others is another test's question. */
const ENGINE_FAULTS: readonly Shares<EngineFault>[] = [
  { '429': 0.5 },
  { '503': 0.3 },
  { 'reset-before': 0.05, 'reset-after': 0.05 },
  { 'cut-body': 0.1 },
  { 'broken-json': 0.05, empty: 0.05 },
];

/** Chance after chance of one seed. */
class Draw {
  readonly #seed: string;
  #count = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  chance(): number {
    this.#count += 1;
    return chanceOf(`${this.#seed} ${this.#count}`);
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.chance() * (most - least + 1));
  }

  one<T>(values: readonly [T, ...T[]] | readonly T[]): T {
    return values[this.between(0, values.length - 1)] as T; // never empty here
  }
}

/** The story in a few words. */
export function inWords({ shape, dialect, inParts, crash, faults }: Scenario): string {
  const happenings = faults.map(nameFault);
  if (crash !== undefined) happenings.unshift(`dies at ${crash.point} (${crash.passing})`);
  return `${shape}, ${dialect}${inParts ? ' in parts' : ''}: ${happenings.join(', ') || 'nothing'}`;
}

function nameFault(fault: Fault): string {
  switch (fault.kind) {
    case 'partition':
      return `${fault.how === 'cut' ? 'cut from' : 'no word from'} the ${fault.from} for ${toSeconds(fault.ms)}`;
    case 'pause':
      return `paused for ${toSeconds(fault.ms)}`;
    case 'store':
    case 'engine':
      return `bad ${fault.kind} for ${toSeconds(fault.ms)}`;
    default:
      return fault.kind;
  }
}

const toSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
