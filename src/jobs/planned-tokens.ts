/** Sums up what the rows of a plan will take, model by model. */
import type { PlannedTokens } from './forecast.ts';
import type { JobSettings } from './job.ts';
import type { RowIndex } from './row-index.ts';

export interface PlannedTokensOptions {
  /** The rows that will run. */
  readonly order: Uint32Array;
  readonly settings: Pick<JobSettings, 'maxTokens' | 'n'>;
  /** Full names of the models, by number. */
  readonly models: readonly string[];
}

/** One pass over columns that are there anyway. Prompts are shared out by the lengths of their lines: a column of their own would cost memory. */
export function sumPlannedTokens(index: RowIndex, { order, settings, models }: PlannedTokensOptions): readonly PlannedTokens[] {
  const { maxTokens: byDefault = 0, n = 1 } = settings;
  const sums = Array.from({ length: index.models }, () => ({ rows: 0, bytes: 0, limit: 0, unlimited: 0 }));
  for (const row of order) {
    const sum = sums[index.model[row] ?? 0];
    if (sum === undefined) continue;
    const limit = index.maxTokens[row] || byDefault;
    sum.rows += 1;
    sum.bytes += index.length[row] ?? 0;
    sum.limit += limit * n;
    if (limit === 0) sum.unlimited += 1;
  }
  const allBytes = index.length.reduce((all, length) => all + length, 0);
  return sums.flatMap(({ rows, bytes, limit, unlimited }, model) =>
    rows === 0
      ? []
      : {
          model: models[model] ?? '',
          rows,
          inputTokens: Math.ceil((index.estimatedTokens * bytes) / Math.max(1, allBytes)),
          maxOutputTokens: unlimited > 0 ? null : limit,
        },
  );
}
