/** Says on a job's timeline that rows may be too long for their model. It is an estimate, which may be wrong both ways: nothing is refused for it. */
import { addEventOnce } from '../db/queries/add-event-once.ts';
import type { Job } from '../jobs/job.ts';
import { countLongRows } from '../jobs/long-rows.ts';
import type { RowIndex } from '../jobs/row-index.ts';
import type { PlannedModel } from '../jobs/row-models.ts';
import type { WorkerContext } from './worker-context.ts';

export interface LongRowsOptions {
  readonly rows: RowIndex;
  /** Those that will run. */
  readonly order: Uint32Array;
  /** By number. */
  readonly models: readonly PlannedModel[];
}

/** Once, however often the job is planned. */
export async function warnOfLongRows(
  { store, clock }: Pick<WorkerContext, 'store' | 'clock'>,
  { uid: jobUid }: Job,
  { rows, order, models }: LongRowsOptions,
): Promise<void> {
  const contexts = models.map(({ contextLength }) => contextLength);
  const counts = countLongRows(rows, order, contexts);
  const long = models.flatMap(({ name }, model) => {
    const [count = 0, tokens] = [counts[model], contexts[model]];
    return count === 0 ? [] : [{ name, rows: count, contextLength: tokens }];
  });
  if (long.length === 0) return;
  const words = long.map(({ name, rows: count, contextLength }) => `${count} of ${name}, which takes ${contextLength} tokens`);
  await addEventOnce(store.db, {
    jobUid,
    at: clock.now(),
    kind: 'context-at-risk',
    message: `By their length rows may not fit their model's context: ${words.join('; ')}. The engine decides when they run; those that don't fit fail alone.`,
    details: { models: long },
  });
}
