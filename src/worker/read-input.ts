/** Reads a job's input for its plan: every line is checked, also against what the models can do that the rows name. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Job } from '../jobs/job.ts';
import { toLane } from '../jobs/model-lane.ts';
import { type PlanReading, readPlan } from '../jobs/read-plan.ts';
import { RowModels } from '../jobs/row-models.ts';
import type { Input } from './input.ts';
import type { WorkerContext } from './worker-context.ts';

/** An engine that takes longer to open answers for itself, row by row, what it can't do: other jobs wait for their plans. */
const PATIENCE_MS = 30_000;

export interface ReadInputOptions {
  readonly job: Job;
  readonly input: Input;
  /** The job's, from `makeRowModels`. */
  readonly models: RowModels;
  readonly signal: AbortSignal;
}

/** Where a job has no model, or one endpoint for all rows as batches have, rows say which model they run on; else the job does. */
export function makeRowModels({ findModel }: WorkerContext, job: Job): RowModels {
  const { accountId, model, precision, endpoint } = job;
  const found = model === '' ? undefined : (findModel(model, accountId) ?? { name: model, served: true, precision });
  const isChosen = found !== undefined && precision !== 'PRECISION_UNSPECIFIED' && precision !== found.precision;
  const own = isChosen ? { ...found, precision, lane: toLane(found.name, precision) } : found;
  return new RowModels({ own, find: own === undefined || endpoint !== null ? (name) => findModel(name, accountId) : undefined });
}

/** Reads once; again only when a model turns out to answer less than its rows want, so that all of them are found. */
export async function readInput(context: WorkerContext, options: ReadInputOptions): Promise<PlanReading> {
  const { job, input, models, signal } = options;
  const read = () =>
    readPlan(input.chunks(), {
      files: input.files,
      readAt: (start, length) => input.read(start, start + length),
      bareRows: context.bareRows,
      systemPrompt: job.settings.systemPrompt !== undefined,
      endpoint: job.endpoint ?? undefined,
      models,
      signal,
    });
  const reading = await read();
  // Engines are for rows that can run.
  if (reading.badLines.count > 0 && job.onInvalidRow === 'fail') return reading;
  return (await learnPaths(context, models, signal)) ? reading : read();
}

/** Opens the engines of which it matters what they answer. False when one answers less than its rows want. */
async function learnPaths({ serve }: WorkerContext, models: RowModels, signal: AbortSignal): Promise<boolean> {
  let isEnough = true;
  for (const { name } of models.unsure) {
    // One that can't be opened now is waited for when the rows run.
    const opening = serve(name).catch(() => undefined);
    const served = await Promise.race([opening, delay(PATIENCE_MS, undefined, { signal, ref: false })]);
    if (served?.paths !== undefined) isEnough = models.learn(name, served.paths) && isEnough;
  }
  return isEnough;
}
