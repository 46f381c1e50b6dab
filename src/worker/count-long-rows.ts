/** Counts the longest rows of a model by its own tokenizer, where an engine of it can do so without answering them. */
import type { Engine, PromptCount } from '../engines/engine.ts';
import type { Job } from '../jobs/job.ts';
import { findLongest } from '../jobs/long-rows.ts';
import { compileRequest } from '../jobs/request.ts';
import type { RowFormat } from '../jobs/row-format.ts';
import type { RowIndex } from '../jobs/row-index.ts';
import type { PlannedModel } from '../jobs/row-models.ts';
import type { Input } from './input.ts';
import { readPlaced } from './read-rows.ts';
import type { WorkerContext } from './worker-context.ts';

/** The longest are counted, so that where all of these fit the others do, too. */
const MOST_COUNTED = 500;
/** A plan does not wait for longer; what is not counted by then is estimated. */
const PATIENCE_MS = 20_000;

/** Rows of a model that will run. */
export interface ModelRows {
  readonly job: Job;
  readonly input: Input;
  readonly format: RowFormat;
  readonly rows: RowIndex;
  readonly order: Uint32Array;
  readonly model: PlannedModel;
  /** The model's number in `rows`, and its tokens of prompt and answer together. */
  readonly number: number;
  readonly contextLength: number;
}

/** What the tokenizer says. */
export interface LongRows {
  /** How many don't fit. */
  readonly rows: number;
  /** There may be more: as many as are counted don't fit. */
  readonly orMore: boolean;
  /** Of those, the first by its place in the input, counted from 1, and its tokens; 0 where there is none. */
  readonly line: number;
  readonly tokens: number;
}

/** Undefined where nobody can count; none of them long answers 0 rows. */
export async function countLongRows(
  context: Pick<WorkerContext, 'serve'>,
  of: ModelRows,
  signal: AbortSignal,
): Promise<LongRows | undefined> {
  const { rows, order, number, input, contextLength } = of;
  const moreBytes = Buffer.byteLength(of.job.settings.systemPrompt ?? '');
  const longest = findLongest(rows, { order, number, contextLength, moreBytes, most: MOST_COUNTED });
  if (longest.length === 0) return { rows: 0, orMore: false, line: 0, tokens: 0 };
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  const counter = await findCounter(context, of, inTime);
  if (counter === undefined) return undefined;
  const placed = Array.from(longest, (row) => ({
    position: row,
    row,
    offset: rows.offset[row] ?? 0,
    length: rows.length[row] ?? 0,
  }));
  const long: (PromptCount & { readonly line: number })[] = [];
  for await (const { row, line } of readPlaced(input, placed)) {
    const count = await counter(line, row);
    if (count === undefined) return undefined;
    if (!count.fits) long.push({ ...count, line: row + 1 });
  }
  const [first] = long.toSorted((a, b) => a.line - b.line);
  return { rows: long.length, orMore: long.length === MOST_COUNTED, line: first?.line ?? 0, tokens: first?.tokens ?? 0 };
}

type Counter = (line: Buffer, row: number) => Promise<PromptCount | undefined>;

/** Asks an engine whose model is in memory: for a warning none is loaded. */
async function findCounter(
  { serve }: Pick<WorkerContext, 'serve'>,
  { job, format, model }: ModelRows,
  signal: AbortSignal,
): Promise<Counter | undefined> {
  const served = await serve(model.lane ?? model.name).catch(() => undefined);
  const found = served?.pool
    .status()
    .find(({ of: { engine } }) => engine.countPrompt !== undefined && engine.isUnloaded !== true);
  if (served === undefined || found === undefined) return undefined;
  const { maxTokensLimit, defaults } = served;
  const requests = compileRequest(job.settings, {
    model: found.of.model,
    format,
    ...(maxTokensLimit !== undefined && { maxTokensLimit }),
    ...(defaults !== undefined && { defaults }),
  });
  const engine: Engine = found.of.engine;
  return async (line, row) => {
    const { path, body } = requests.make(line, row);
    return engine.countPrompt?.({ path, body }, signal);
  };
}
