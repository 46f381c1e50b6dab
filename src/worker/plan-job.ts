/** The first step of a job: every line is checked in one pass, the rows are put in the order in which they run, and cut into shards. */
import { Problem } from '../base/problem.ts';
import { failValidation } from '../db/queries/fail-validation.ts';
import { findJobByUid } from '../db/queries/find-job-by-uid.ts';
import { startPlannedJob } from '../db/queries/start-planned-job.ts';
import { failureMessage } from '../jobs/check-row.ts';
import { cutShards } from '../jobs/cut-shards.ts';
import type { Job } from '../jobs/job.ts';
import { planKey, reportKey } from '../jobs/object-keys.ts';
import { orderRows } from '../jobs/order-rows.ts';
import { encodePlan } from '../jobs/plan-file.ts';
import { type PlanReading, readPlan } from '../jobs/read-plan.ts';
import { readAnsweredRows } from './answered-rows.ts';
import { type Input, openInput } from './input.ts';
import type { WorkerContext } from './worker-context.ts';

/** Plans a job that is VALIDATING; one that isn't any more is left alone. Run again after a crash, it makes the same plan. */
export async function planJob(context: WorkerContext, jobUid: string, signal: AbortSignal): Promise<void> {
  const job = await findJobByUid(context.store.db, jobUid);
  if (job?.state !== 'VALIDATING') return;
  const input = await openInput(context, job);
  const reading = await readInput(context, { job, input, signal });
  if (reading.badLines.count > 0) await refuse(context, { job, input, reading });
  else await start(context, job, reading);
}

interface Reading {
  readonly job: Job;
  readonly input: Input;
  readonly signal: AbortSignal;
}

const readInput = ({ bareRows }: WorkerContext, { job, input, signal }: Reading): Promise<PlanReading> =>
  readPlan(input.chunks(), {
    files: input.files,
    readAt: (start, length) => input.read(start, start + length),
    bareRows,
    systemPrompt: job.settings.systemPrompt !== undefined,
    signal,
  });

async function start(context: WorkerContext, job: Job, { rows, format }: PlanReading): Promise<void> {
  const isAnswered = await readAnsweredRows(context, job, rows.count);
  const order = orderRows(rows, (row) => !isAnswered(row));
  if (order.length === 0) throw nothingToRun(job);
  const key = planKey(job.uid);
  await context.objects.putStream(key, asyncOf(encodePlan(rows, order)));
  const { shardRows: maxRows, shardBytes: maxBytes, windowShards: windowSize } = context.limits;
  await startPlannedJob(context.store, job.uid, {
    totalRows: order.length,
    inputRows: rows.count,
    rowFormat: format,
    planKey: key,
    shards: cutShards(rows, order, { maxRows, maxBytes }),
    windowSize,
  });
}

const nothingToRun = (job: Job): Problem =>
  job.continuedFrom === null
    ? new Problem('INVALID_ARGUMENT', 'The dataset has no rows: every line is blank.', { reason: 'DATASET_HAS_NO_ROWS' })
    : new Problem('FAILED_PRECONDITION', `Every row of job ${job.continuedFrom} has its answer: there is nothing left to run.`, {
        reason: 'NOTHING_TO_CONTINUE',
      });

async function refuse(
  context: WorkerContext,
  { job, input, reading }: Omit<Reading, 'signal'> & { readonly reading: PlanReading },
): Promise<void> {
  const key = reportKey(job.uid);
  const { count, kept } = reading.badLines;
  const [first, second] = input.files;
  const file = second === undefined ? (first?.name ?? '') : job.inputDatasetId;
  await context.objects.put(key, Buffer.from(JSON.stringify({ file, count, badLines: kept })));
  await failValidation(context.store.db, job.uid, {
    statusCode: 'INVALID_ARGUMENT',
    statusMessage: failureMessage(file, reading.badLines),
    reportKey: key,
  });
}

async function* asyncOf<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
