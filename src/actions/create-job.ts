/** Starts a job. Everything that can be refused is refused here; it answers at once, in VALIDATING. */
import { randomUUID } from 'node:crypto';
import { makeId } from '../base/ids.ts';
import { Problem } from '../base/problem.ts';
import type { Precision } from '../contract/job.ts';
import { toDuration } from '../contract/json.ts';
import { createJob as createJobRow } from '../db/queries/create-job.ts';
import type { Job, JobSettings, OnInvalidRow } from '../jobs/job.ts';
import type { Caller, Context, Limits } from './context.ts';
import { findModel } from './find-model.ts';
import { getDataset } from './get-dataset.ts';
import { checkedId, ownId } from './own-id.ts';
import { checkQuota } from './quotas.ts';

/** What a caller wants. Datasets and models are named in full or by bare id. */
export interface JobWish {
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
}

/** Checks the wish, writes the job and queues its planning. */
export async function createJob(context: Context, caller: Caller, wish: JobWish): Promise<Job> {
  const acceptedAt = context.clock.now();
  const id = wish.id === undefined ? makeId(10) : checkedId(wish.id, { collection: 'batchInferenceJobs' });
  const windowSeconds = checkedWindow(context.limits, wish.maxDurationSeconds);
  const outputDatasetId = wish.outputDataset ? ownId(caller.accountId, 'datasets', wish.outputDataset) : `bij-${makeId(8)}`;
  const model = await findModel(context, caller, { name: required(wish.model, 'model'), precision: wish.precision });
  const inputDatasetId = await findReadyInput(context, caller, required(wish.inputDataset, 'inputDatasetId'));
  const job: Job = {
    uid: randomUUID(),
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
    planKey: null,
    reportKey: null,
    endpoint: null,
    metadata: null,
    outputExpiresAfterSeconds: null,
    movedAt: { VALIDATING: acceptedAt.toISOString() },
  };
  await createJobRow(context.store, job, {
    apiKeyId: caller.keyId ?? null,
    check: (tx) => checkQuota(context, tx, { accountId: caller.accountId, id: 'batch-jobs-active', adding: 1 }),
  });
  return job;
}

const required = (value: string | undefined, field: string): string => {
  if (value) return value;
  throw new Problem('INVALID_ARGUMENT', `${field} is required.`, { reason: 'FIELD_REQUIRED', details: { field } });
};

const checkedWindow = ({ window }: Limits, asked: number | undefined): number => {
  const seconds = asked ?? window.defaultSeconds;
  if (seconds >= window.minSeconds && seconds <= window.maxSeconds) return seconds;
  const [min, max] = [toDuration(window.minSeconds), toDuration(window.maxSeconds)];
  throw new Problem('INVALID_ARGUMENT', `maxJobDuration must be from ${min} to ${max}, got ${toDuration(seconds)}.`, {
    reason: 'WINDOW_OUT_OF_RANGE',
    details: { minSeconds: window.minSeconds, maxSeconds: window.maxSeconds },
  });
};

const findReadyInput = async (context: Context, caller: Caller, name: string): Promise<string> => {
  const dataset = await getDataset(context, caller, name);
  if (dataset.state === 'READY') return dataset.id;
  throw new Problem('FAILED_PRECONDITION', `Dataset "${dataset.id}" is ${dataset.state}: upload its file first.`, {
    reason: 'DATASET_NOT_READY',
  });
};
