/** Sums up what the rows of a plan will take, model by model. */
import type { PlannedTokens } from './forecast.ts';
import type { JobSettings } from './job.ts';
import { type RowIndex, textLength } from './row-index.ts';

export interface PlannedTokensOptions {
  /** The rows that will run. */
  readonly order: Uint32Array;
  readonly settings: Pick<JobSettings, 'maxTokens' | 'n'>;
  /** Full names of the models, by number. */
  readonly models: readonly string[];
}

/** One pass over columns that are there anyway. Prompts are shared out by the lengths of their lines without images: a column of their own would cost memory. */
export function sumPlannedTokens(index: RowIndex, { order, settings, models }: PlannedTokensOptions): readonly PlannedTokens[] {
  const { maxTokens: byDefault = 0, n = 1 } = settings;
  const { model: numbers, maxTokens } = index;
  const makeSums = (): Float64Array => new Float64Array(index.models);
  const [rows, bytes, limits, unlimited] = [makeSums(), makeSums(), makeSums(), makeSums()];
  const isMixed = index.models > 1;
  for (const row of order) {
    const model = isMixed ? (numbers[row] ?? 0) : 0;
    const limit = maxTokens[row] || byDefault;
    rows[model] = (rows[model] ?? 0) + 1;
    bytes[model] = (bytes[model] ?? 0) + textLength(index, row);
    limits[model] = (limits[model] ?? 0) + limit;
    if (limit === 0) unlimited[model] = 1;
  }
  const allBytes = order.length === index.count ? bytes.reduce(add, 0) : sumTextLengths(index);
  return Array.from(rows, (count, model) => ({
    model: models[model] ?? '',
    rows: count,
    inputTokens: Math.ceil((index.estimatedTokens * (bytes[model] ?? 0)) / Math.max(1, allBytes)),
    maxOutputTokens: unlimited[model] === 1 ? null : (limits[model] ?? 0) * n,
  })).filter((planned) => planned.rows > 0);
}

const sumTextLengths = (index: RowIndex): number => index.length.reduce((sum, _, row) => sum + textLength(index, row), 0);

const add = (sum: number, value: number): number => sum + value;
