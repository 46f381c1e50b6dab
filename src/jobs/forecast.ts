/** What a job will take: tokens, bytes and time, from its input first, then from its rows as they finish. Estimates, all of them. */
import type { Progress } from './job.ts';

/** Rows of one model, as far as their text tells. */
export interface PlannedTokens {
  /** Full name. */
  readonly model: string;
  readonly rows: number;
  /** Of the prompts: a quarter of their bytes (`docs/forecast.md`). */
  readonly inputTokens: number;
  /** Most that the answers can have; null where rows are without a limit. */
  readonly maxOutputTokens: number | null;
}

/** What rows took that are done: this job's, or those of another on the same model. */
export interface Measured {
  /** With an answer or an error. */
  readonly progress: Progress;
  /** How fast rows finish at present; undefined while none do. */
  readonly rowsPerSecond: number | undefined;
}

export interface ForecastFacts {
  readonly planned: readonly PlannedTokens[];
  readonly totalRows: number;
  readonly own: Measured;
  /** An earlier job on the same model, for as long as this one has too few rows. */
  readonly past: Measured | undefined;
  readonly now: Date;
}

/** What a job tells of itself. */
type OwnFacts = Pick<ForecastFacts, 'planned' | 'totalRows' | 'own'>;

/** What a forecast rests on: the text of the input, an earlier job on the same model, or rows of this one. */
export type ForecastBasis = 'INPUT' | 'HISTORY' | 'ROWS';

/** Of the whole job, what is done included. */
export interface Forecast {
  readonly basis: ForecastBasis;
  readonly inputTokens: number;
  /** Null where nothing is known yet. */
  readonly outputTokens: number | null;
  readonly maxOutputTokens: number | null;
  /** Of the result rows. */
  readonly outputBytes: number | null;
  readonly endsAt: Date | null;
  /** The same tokens by model. */
  readonly models: readonly { readonly model: string; readonly inputTokens: number; readonly outputTokens: number | null }[];
}

/** So many rows of a job tell what its others will take, or this share of them. */
const ENOUGH_ROWS = 20;
const ENOUGH_SHARE = 0.01;

/** How many of a job's rows run, how many of them are done, and whether those tell what the others will take. */
function countRows({ planned, totalRows, own }: OwnFacts) {
  const rows = sum(planned.map((model) => model.rows));
  // Rows that can't run were done before the first that can.
  const done = Math.max(0, own.progress.ok + own.progress.failed - (totalRows - rows));
  return { rows, done, isEnough: done > 0 && done >= Math.min(rows, Math.max(ENOUGH_ROWS, rows * ENOUGH_SHARE)) };
}

/** False where an earlier job tells nothing that the job's own rows don't. */
export const needsPast = (facts: OwnFacts): boolean => !countRows(facts).isEnough;

/** Pure: the same facts, the same forecast. */
export function forecast(facts: ForecastFacts): Forecast {
  const { planned, own, past } = facts;
  const { rows, done, isEnough } = countRows(facts);
  const measured = isEnough ? { ...own, rows: done } : past && { ...past, rows: past.progress.ok + past.progress.failed };
  const perRow = measured === undefined ? undefined : toPerRow(measured.progress, measured.rows);
  const estimated = sum(planned.map(({ inputTokens }) => inputTokens));
  // Another job's prompts say nothing of this one's.
  const inputTokens = isEnough && perRow !== undefined ? Math.round(perRow.inputTokens * rows) : estimated;
  const outputTokens = perRow === undefined ? null : Math.round(perRow.outputTokens * rows);
  return {
    basis: isEnough ? 'ROWS' : past === undefined ? 'INPUT' : 'HISTORY',
    inputTokens,
    outputTokens,
    maxOutputTokens: sumKnown(planned.map(({ maxOutputTokens }) => maxOutputTokens)),
    outputBytes: perRow === undefined ? null : Math.round(perRow.bytes * rows),
    endsAt: toEnd(facts.now, rows - done, own.rowsPerSecond ?? measured?.rowsPerSecond),
    models: planned.map((model) => ({
      model: model.model,
      inputTokens: share(inputTokens, model.inputTokens, estimated),
      outputTokens: outputTokens === null ? null : share(outputTokens, model.rows, rows),
    })),
  };
}

const share = (of: number, part: number, whole: number): number => (whole === 0 ? 0 : Math.round((part / whole) * of));

const toPerRow = ({ inputTokens, outputTokens, bytes }: Progress, counted: number) => {
  const rows = Math.max(1, counted);
  return { inputTokens: inputTokens / rows, outputTokens: outputTokens / rows, bytes: bytes / rows };
};

function toEnd(now: Date, rowsLeft: number, rowsPerSecond: number | undefined): Date | null {
  if (rowsPerSecond === undefined || rowsPerSecond <= 0) return null;
  const end = new Date(now.getTime() + (rowsLeft / rowsPerSecond) * 1000);
  // Later than any calendar goes.
  return Number.isNaN(end.getTime()) ? null : end;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

const sumKnown = (numbers: readonly (number | null)[]): number | null =>
  numbers.some((number) => number === null) ? null : sum(numbers.map(Number));
