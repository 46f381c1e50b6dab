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
  /** Where a row is, for people. */
  readonly nameRow: (row: number) => string;
  readonly signal: AbortSignal;
}

/** A plan waits no longer for engines that open and count, however many models its rows name; what is not counted by then is estimated. */
const PATIENCE_MS = 20_000;

type Room = Pick<WorkerContext, 'store' | 'clock' | 'serve'>;

/** What there is to say of one model. */
interface Told {
  readonly words: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Once, however often the job is planned. */
export async function warnOfLongRows(context: Room, job: Job, options: LongRowsOptions): Promise<void> {
  const { rows, order, models, nameRow } = options;
  const contextTokens = models.map(({ contextLength }) => contextLength);
  const { maxTokens = 0, systemPrompt = '' } = job.settings;
  const moreBytes = Buffer.byteLength(systemPrompt);
  const estimates = estimateLongRows(rows, { order, contextTokens, maxTokens, moreBytes });
  const inTime = AbortSignal.any([options.signal, AbortSignal.timeout(PATIENCE_MS)]);
  const told: Told[] = [];
  for (const [number, model] of models.entries()) {
    const counted = await countLongRows(context, { ...options, job, model, number }, inTime);
    const one = counted === undefined ? toEstimate(model, estimates[number] ?? 0) : toCount(model, counted, nameRow);
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

function toCount(
  { name }: PlannedModel,
  { rows, orMore, contextLength, row, tokens }: LongRows,
  nameRow: (row: number) => string,
): Told | undefined {
  if (rows === 0) return undefined;
  const line = nameRow(row);
  return {
    words: `by its own tokenizer ${rows}${orMore ? ' or more' : ''} of ${name}, which takes ${contextLength} tokens: ${line} has ${tokens}`,
    details: { name, rows, contextLength, counted: true, line, tokens },
  };
}
