/** Starts a job. Everything that can be refused is refused here; it answers at once, in VALIDATING. */

import { randomUUID } from 'node:crypto';
import { crashPoint } from '../base/crash-point.ts';
import { makeId } from '../base/ids.ts';
import { Problem } from '../base/problem.ts';
import type { Precision } from '../contract/job.ts';
import { toDuration } from '../contract/json.ts';
import { createJob as createJobRow } from '../db/queries/create-job.ts';
import type { Job, JobSettings, OnInvalidRow } from '../jobs/job.ts';
import type { Caller, Context, Limits } from './context.ts';
import { findModel } from './find-model.ts';
import { getDataset } from './get-dataset.ts';
import type { RegisteredModel } from './model-registry.ts';
import { checkedId, ownId } from './own-id.ts';
import { checkQuota } from './quotas.ts';

/** What a caller wants. Datasets and models are named in full or by bare id. */
export interface JobWish {
  /** Tells the job from all others; default: one by chance. Two jobs of one uid are refused as those of one id are. */
  readonly uid?: string | undefined;
  readonly id?: string | undefined;
  readonly displayName?: string | undefined;
  readonly model?: string | undefined;
  readonly inputDataset?: string | undefined;
  readonly outputDataset?: string | undefined;
  readonly settings: JobSettings;
  /** What a line that can't run does; without it the whole job fails. */
  readonly onInvalidRow?: OnInvalidRow | undefined;
  readonly precision?: Precision | undefined;
  readonly maxDurationSeconds?: number | undefined;
  /** Id of an ended job of this account, whose unanswered rows this one runs (`continue-job.ts`). */
  readonly continuedFrom?: string | undefined;
  /** The path that every row's `url` must be. A job that has one needs no model: its rows name theirs. */
  readonly endpoint?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** How long the output dataset lives once it is written. */
  readonly outputExpiresAfterSeconds?: number | undefined;
}

/** Checks the wish, writes the job and queues its planning. */
export async function createJob(context: Context, caller: Caller, wish: JobWish): Promise<Job> {
  const acceptedAt = context.clock.now();
  const id = wish.id === undefined ? makeId(10) : checkedId(wish.id, { collection: 'batchInferenceJobs' });
  const windowSeconds = checkedWindow(context.limits, wish.maxDurationSeconds);
  const outputDatasetId = wish.outputDataset ? ownId(caller.accountId, 'datasets', wish.outputDataset) : `bij-${makeId(8)}`;
  const model = await findModelOf(context, caller, wish);
  const inputDatasetId = await findReadyInput(context, caller, required(wish.inputDataset, 'inputDatasetId'));
  const job: Job = {
    uid: wish.uid ?? randomUUID(),
    accountId: caller.accountId,
    id,
    displayName: wish.displayName ?? '',
    createdBy: caller.name,
    state: 'VALIDATING',
    statusCode: 'OK',
    statusMessage: '',
    model: model.name,
    precision: model.precision,
    inputDatasetId,
    outputDatasetId,
    settings: wish.settings,
    onInvalidRow: wish.onInvalidRow ?? 'fail',
    continuedFrom: wish.continuedFrom ?? null,
    maxDurationSeconds: wish.maxDurationSeconds ?? null,
    createdAt: acceptedAt,
    updatedAt: acceptedAt,
    expiresAt: new Date(acceptedAt.getTime() + windowSeconds * 1000),
    validatedAt: null,
    startedAt: null,
    endedAt: null,
    totalRows: null,
    inputRows: null,
    rowFormat: null,
    planned: null,
    planKey: null,
    reportKey: null,
    endpoint: wish.endpoint ?? null,
    metadata: wish.metadata ?? null,
    outputExpiresAfterSeconds: wish.outputExpiresAfterSeconds ?? null,
    movedAt: { VALIDATING: acceptedAt.toISOString() },
  };
  const phase = job.continuedFrom === null ? 'create' : 'continue';
  crashPoint(`${phase}.before-commit`);
  await createJobRow(context.store, job, {
    apiKeyId: caller.keyId ?? null,
    check: (tx) => checkQuota(context, tx, { accountId: caller.accountId, id: 'batch-jobs-active', adding: 1 }),
  });
  crashPoint(`${phase}.after-commit`);
  return job;
}

/** What stands in for the model where the rows say. */
const OF_THE_ROWS = { name: '', precision: 'PRECISION_UNSPECIFIED' } as const;

const findModelOf = async (
  context: Context,
  caller: Caller,
  { model, precision, endpoint }: JobWish,
): Promise<Pick<RegisteredModel, 'name' | 'precision'>> =>
  endpoint !== undefined && model === undefined
    ? OF_THE_ROWS
    : findModel(context, caller, { name: required(model, 'model'), precision });

const required = (value: string | undefined, field: string): string => {
  if (value) return value;
  throw new Problem('INVALID_ARGUMENT', `${field} is required.`, { reason: 'FIELD_REQUIRED', details: { field } });
};

/** The seconds that a job gets; refuses a window that the server doesn't offer, by the name of its field. */
export const checkedWindow = ({ window }: Limits, asked: number | undefined, field = 'maxJobDuration'): number => {
  const seconds = asked ?? window.defaultSeconds;
  if (seconds >= window.minSeconds && seconds <= window.maxSeconds) return seconds;
  const [min, max] = [toDuration(window.minSeconds), toDuration(window.maxSeconds)];
  throw new Problem('INVALID_ARGUMENT', `${field} must be from ${min} to ${max}, got ${toDuration(seconds)}.`, {
    reason: 'WINDOW_OUT_OF_RANGE',
    details: { field, minSeconds: window.minSeconds, maxSeconds: window.maxSeconds },
  });
};

const findReadyInput = async (context: Context, caller: Caller, name: string): Promise<string> => {
  const dataset = await getDataset(context, caller, name);
  if (dataset.state === 'READY') return dataset.id;
  throw new Problem('FAILED_PRECONDITION', `Dataset "${dataset.id}" is ${dataset.state}: upload its file first.`, {
    reason: 'DATASET_NOT_READY',
  });
};
