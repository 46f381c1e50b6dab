/** The first step of a job: every line is checked in one pass, the rows are put in the order in which they run, and cut into shards. */
import { crashPoint } from '../base/crash-point.ts';
import { Problem } from '../base/problem.ts';
import { failValidation } from '../db/queries/fail-validation.ts';
import { findJobByUid } from '../db/queries/find-job-by-uid.ts';
import { type PlannedJob, startPlannedJob } from '../db/queries/start-planned-job.ts';
import { failureMessage } from '../jobs/check-row.ts';
import { cutShards, type Shard } from '../jobs/cut-shards.ts';
import type { Job } from '../jobs/job.ts';
import { planKey, reportKey } from '../jobs/object-keys.ts';
import { chooseOrder } from '../jobs/order-rows.ts';
import { encodePlan } from '../jobs/plan-file.ts';
import { sumPlannedTokens } from '../jobs/planned-tokens.ts';
import type { PlanReading } from '../jobs/read-plan.ts';
import type { PlannedModel, RowModels } from '../jobs/row-models.ts';
import { readAnsweredRows } from './answered-rows.ts';
import { type Input, openInput } from './input.ts';
import { makeRowModels, readInput } from './read-input.ts';
import { tellOrder } from './tell-order.ts';
import { warnOfLongRows } from './warn-of-long-rows.ts';
import type { WorkerContext } from './worker-context.ts';
import { writeInvalid } from './write-invalid.ts';

/** Plans a job that is VALIDATING; one that isn't any more is left alone. Run again after a crash, it makes the same plan. */
export async function planJob(context: WorkerContext, jobUid: string, signal: AbortSignal): Promise<void> {
  const job = await findJobByUid(context.store.db, jobUid);
  if (job?.state !== 'VALIDATING') return;
  const input = await openInput(context, job);
  await context.refreshModels?.();
  const models = makeRowModels(context, job);
  const reading = await readInput(context, { job, input, models, signal });
  const reportKey = await writeReport(context, { job, input, reading });
  if (reportKey === null || job.onInvalidRow === 'skip') await start(context, { job, input, models, reading, reportKey, signal });
  else await refuse(context, { job, input, reading, reportKey });
}

interface Checked {
  readonly job: Job;
  readonly input: Input;
  readonly models: RowModels;
  readonly reading: PlanReading;
  /** Null when there are no bad lines. */
  readonly reportKey: string | null;
}

/** Rows that can't run come first in the plan: they are done before the first worker looks. */
async function start(
  context: WorkerContext,
  { job, input, models, reading, reportKey, signal }: Checked & { readonly signal: AbortSignal },
): Promise<void> {
  const { rows, format, invalid } = reading;
  const isAnswered = await readAnsweredRows(context, job, rows.count);
  const isInvalid = invalid.toTest(rows.count);
  const chosen = chooseOrder(rows, (row) => !isAnswered(row) && !isInvalid(row));
  const { order } = chosen;
  if (order.length === 0 && (invalid.count === 0 || job.continuedFrom !== null)) throw nothingToRun(job);
  const key = planKey(job.uid);
  crashPoint('plan.before-object');
  await context.objects.putStream(key, asyncOf(encodePlan(rows, planOf(reading, order))));
  crashPoint('plan.after-object');
  await tellOrder(context, job.uid, chosen);
  await warnOfLongRows(context, job, { input, format, rows, order, models: models.found, nameRow: reading.nameRow, signal });
  const { shardRows: maxRows, shardBytes: maxBytes } = context.limits;
  const shards = cutShards(rows, order, { maxRows, maxBytes });
  await startPlannedJob(context.store, job.uid, {
    totalRows: invalid.count + order.length,
    inputRows: rows.count,
    rowFormat: format,
    planned: sumPlannedTokens(rows, { order, settings: job.settings, models: models.found.map(({ name }) => name) }),
    planKey: key,
    reportKey,
    parts: await writeInvalid(context, { job, input, models, reading }),
    ...shareOut(shards, { models, before: invalid.count }),
  });
  crashPoint('plan.after-commit');
}

interface Sharing {
  readonly models: RowModels;
  /** Positions of the plan before the first shard. */
  readonly before: number;
}

/** Rows of one model make it the job's. Of several, every shard keeps its own. */
function shareOut(
  shards: readonly Shard[],
  { models: { found }, before }: Sharing,
): Pick<PlannedJob, 'model' | 'precision' | 'shards'> {
  const used = [...new Set(shards.map(({ model }) => model))].flatMap((number) => found[number] ?? []);
  const [only, second] = used;
  const isMixed = second !== undefined;
  const placed = shards.map(({ first, count, model }) => ({
    first: before + first,
    count,
    ...laneOf(found[model], isMixed),
  }));
  if (isMixed) return { model: '', shards: placed };
  return { ...(only && { model: only.name, precision: only.precision }), shards: placed };
}

/** A shard says what it is leased by where that is not the job's model. */
const laneOf = (model: PlannedModel | undefined, isMixed: boolean): { readonly model?: string } => {
  const lane = model?.lane ?? (isMixed ? model?.name : undefined);
  return lane === undefined ? {} : { model: lane };
};

function planOf({ invalid }: PlanReading, order: Uint32Array): Uint32Array {
  if (invalid.count === 0) return order;
  const plan = new Uint32Array(invalid.count + order.length);
  let position = 0;
  for (const { row } of invalid) plan[position++] = row;
  plan.set(order, position);
  return plan;
}

const nothingToRun = (job: Job): Problem =>
  job.continuedFrom === null
    ? new Problem('INVALID_ARGUMENT', 'The dataset has no rows: every line is blank.', { reason: 'DATASET_HAS_NO_ROWS' })
    : new Problem('FAILED_PRECONDITION', `Every row of job ${job.continuedFrom} has its answer: there is nothing left to run.`, {
        reason: 'NOTHING_TO_CONTINUE',
      });

async function writeReport(
  { objects }: WorkerContext,
  { job, input, reading }: Omit<Checked, 'reportKey' | 'models'>,
): Promise<string | null> {
  const { count, kept } = reading.badLines;
  if (count === 0) return null;
  const key = reportKey(job.uid);
  await objects.put(key, Buffer.from(JSON.stringify({ file: nameOf(job, input), count, badLines: kept })));
  return key;
}

const refuse = ({ store }: WorkerContext, { job, input, reading, reportKey: key }: Omit<Checked, 'models'>): Promise<unknown> =>
  failValidation(store.db, job.uid, {
    statusCode: 'INVALID_ARGUMENT',
    statusMessage: failureMessage(nameOf(job, input), reading.badLines),
    reportKey: key,
  });

/** Where the lines are: the one file, or the dataset when it has several. */
const nameOf = ({ inputDatasetId }: Job, { files: [first, second] }: Input): string =>
  first === undefined || second !== undefined ? inputDatasetId : first.name;

async function* asyncOf<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
