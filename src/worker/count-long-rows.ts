/** Counts the longest rows of a model by its own tokenizer, where an engine of it can do so without answering them. */
import { usualContext } from '../engines/embedded/capacity.ts';
import type { Engine, PromptCount } from '../engines/engine.ts';
import type { Job } from '../jobs/job.ts';
import { alwaysFits, findLongest } from '../jobs/long-rows.ts';
import { compileRequest } from '../jobs/request.ts';
import type { RowFormat } from '../jobs/row-format.ts';
import type { RowIndex } from '../jobs/row-index.ts';
import type { PlannedModel } from '../jobs/row-models.ts';
import type { Input } from './input.ts';
import { readPlaced } from './read-rows.ts';
import type { WorkerContext } from './worker-context.ts';

/** The longest are counted, so that where all of these fit the others do, too. */
const MOST_COUNTED = 500;
/** Where nobody knows what a model holds, shorter ones are not looked for. */
const SMALLEST_CONTEXT = 512;

/** Rows of a model that will run. */
export interface ModelRows {
  readonly job: Job;
  readonly input: Input;
  readonly format: RowFormat;
  readonly rows: RowIndex;
  readonly order: Uint32Array;
  readonly model: PlannedModel;
  /** The model's number in `rows`. */
  readonly number: number;
}

/** What the tokenizer says. */
export interface LongRows {
  /** How many don't fit. */
  readonly rows: number;
  /** There may be more: not all that may be too long were counted. */
  readonly orMore: boolean;
  /** What the engine holds, of prompt and answer together. */
  readonly contextLength: number;
  /** Of those, the first by its place in the input, and its tokens; 0 where there is none. */
  readonly row: number;
  readonly tokens: number;
}

const NONE: LongRows = { rows: 0, orMore: false, contextLength: 0, row: 0, tokens: 0 };

/** Undefined where nobody can count, or not before the signal; none of them long answers 0 rows. */
export async function countLongRows(
  context: Pick<WorkerContext, 'serve'>,
  of: ModelRows,
  signal: AbortSignal,
): Promise<LongRows | undefined> {
  const { rows, order, number } = of;
  // The engine may hold less than its model could.
  const contextLength = usualContext(of.model.contextLength ?? SMALLEST_CONTEXT);
  const moreBytes = Buffer.byteLength(of.job.settings.systemPrompt ?? '');
  const longest = findLongest(rows, { order, number, contextLength, moreBytes, most: MOST_COUNTED });
  if (longest.length === 0) return NONE;
  const counter = signal.aborted ? undefined : await findCounter(context, of, signal);
  const counts = counter && (await countAll(counter, { ...of, longest, moreBytes }));
  // A request that the engine refuses for another reason is not counted.
  if (counts === undefined || counts.length === 0 || signal.aborted) return undefined;
  const long = counts.filter(({ fits }) => !fits).toSorted((a, b) => a.row - b.row);
  const isWhole = longest.length < MOST_COUNTED || counts.at(-1)?.isLast === true;
  return long[0] === undefined ? NONE : { ...long[0], rows: long.length, orMore: !isWhole };
}

interface Counted extends PromptCount {
  readonly row: number;
  /** What is shorter always fits. */
  readonly isLast: boolean;
}

/** From the longest down to the first below which all fit. */
async function countAll(
  counter: Counter,
  {
    input,
    rows,
    longest,
    moreBytes,
  }: Pick<ModelRows, 'input' | 'rows'> & { readonly longest: Uint32Array; readonly moreBytes: number },
): Promise<readonly Counted[]> {
  const placed = Array.from(longest, (row) => ({
    position: row,
    row,
    offset: rows.offset[row] ?? 0,
    length: rows.length[row] ?? 0,
  }));
  const counts: Counted[] = [];
  for await (const { row, line } of readPlaced(input, placed)) {
    const count = await counter(line, row);
    if (count === undefined) continue;
    const isLast = alwaysFits(rows, row, { contextLength: count.contextLength, moreBytes });
    counts.push({ ...count, row, isLast });
    if (isLast) break;
  }
  return counts;
}

type Counter = (line: Buffer, row: number) => Promise<PromptCount | undefined>;

/** Asks an engine whose model is in memory: for a warning none is loaded. */
async function findCounter(
  { serve }: Pick<WorkerContext, 'serve'>,
  { job, format, model }: ModelRows,
  signal: AbortSignal,
): Promise<Counter | undefined> {
  const served = await orNothing(serve(model.lane ?? model.name), signal);
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

/** Opening a model may take longer than a plan waits. */
const orNothing = <Value>(value: Promise<Value>, signal: AbortSignal): Promise<Value | undefined> =>
  Promise.race([
    value.catch(() => undefined),
    new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true })),
  ]);
