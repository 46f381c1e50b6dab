/**
 * Says on a job's timeline which rows are too long for their model: by the model's own tokenizer where an engine can count, else by an estimate, which may be
 * wrong both ways. Nothing is refused for it: a row that doesn't fit fails alone.
 */
import { addEventOnce } from '../db/queries/add-event-once.ts';
import type { Job } from '../jobs/job.ts';
import { estimateLongRows } from '../jobs/long-rows.ts';
import type { RowFormat } from '../jobs/row-format.ts';
import type { RowIndex } from '../jobs/row-index.ts';
import type { PlannedModel } from '../jobs/row-models.ts';
import { countLongRows, type LongRows } from './count-long-rows.ts';
import type { Input } from './input.ts';
import type { WorkerContext } from './worker-context.ts';

export interface LongRowsOptions {
  readonly input: Input;
  readonly format: RowFormat;
  readonly rows: RowIndex;
  /** Those that will run. */
  readonly order: Uint32Array;
  /** By number. */
  readonly models: readonly PlannedModel[];
  readonly signal: AbortSignal;
}

type Room = Pick<WorkerContext, 'store' | 'clock' | 'serve'>;

/** What there is to say of one model. */
interface Told {
  readonly words: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Once, however often the job is planned. */
export async function warnOfLongRows(context: Room, job: Job, options: LongRowsOptions): Promise<void> {
  const { rows, order, models } = options;
  const contextTokens = models.map(({ contextLength }) => contextLength);
  const { maxTokens = 0 } = job.settings;
  const estimates = estimateLongRows(rows, { order, contextTokens, maxTokens });
  const told: Told[] = [];
  for (const [number, model] of models.entries()) {
    const counted = await countLongRows(context, { ...options, job, model, number }, options.signal);
    const one = counted === undefined ? toEstimate(model, estimates[number] ?? 0) : toCount(model, counted);
    if (one !== undefined) told.push(one);
  }
  if (told.length === 0) return;
  await addEventOnce(context.store.db, {
    jobUid: job.uid,
    at: context.clock.now(),
    kind: 'context-at-risk',
    message: `Rows may not fit their model's context: ${told.map(({ words }) => words).join('; ')}. Those that don't fit fail alone.`,
    details: { models: told.map(({ details }) => details) },
  });
}

const toEstimate = ({ name, contextLength }: PlannedModel, rows: number): Told | undefined =>
  rows === 0
    ? undefined
    : {
        words: `by their length and the tokens that they ask for ${rows} of ${name}, which takes ${contextLength} tokens; the engine decides when they run`,
        details: { name, rows, contextLength, counted: false },
      };

const toCount = ({ name }: PlannedModel, { rows, orMore, contextLength, line, tokens }: LongRows): Told | undefined =>
  rows === 0
    ? undefined
    : {
        words: `by its own tokenizer ${rows}${orMore ? ' or more' : ''} of ${name}, which takes ${contextLength} tokens: line ${line} has ${tokens}`,
        details: { name, rows, contextLength, counted: true, line, tokens },
      };
