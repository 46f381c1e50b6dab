/** A job in the shape of the wire. */

import type { Standing } from '../actions/explain-jobs.ts';
import type { JobForecast } from '../actions/forecast-jobs.ts';
import { STATUS_CODES, type StatusCode } from '../contract/errors.ts';
import type { BatchInferenceJob, JobProgress, Precision } from '../contract/job.ts';
import { PRECISIONS } from '../contract/job.ts';
import { toWireJobState, type WireJobState } from '../contract/job-state.ts';
import { toDuration } from '../contract/json.ts';
import { makeName } from '../contract/names.ts';
import type { Job, JobSettings, Progress } from '../jobs/job.ts';
import { isFinal, JOB_STATES, type JobState } from '../jobs/states.ts';

/** Every field, the unset ones too. */
export const toJobReply = (
  job: Job,
  progress: Progress,
  { reason, waitingOnCapacity, forecast }: Standing & { readonly forecast: JobForecast | undefined },
): BatchInferenceJob => ({
  name: makeName(job.accountId, 'batchInferenceJobs', job.id),
  displayName: job.displayName,
  createdBy: job.createdBy,
  createTime: job.createdAt.toISOString(),
  updateTime: job.updatedAt.toISOString(),
  expireTime: job.expiresAt.toISOString(),
  maxJobDuration: job.maxDurationSeconds === null ? null : toDuration(job.maxDurationSeconds),
  state: toWireJobState(job.state) ?? 'JOB_STATE_UNSPECIFIED',
  status: { code: toStatusCode(job.statusCode), message: job.statusMessage },
  model: job.model,
  inputDatasetId: makeName(job.accountId, 'datasets', job.inputDatasetId),
  outputDatasetId: makeName(job.accountId, 'datasets', job.outputDatasetId),
  inferenceParameters: toParameters(job.settings),
  precision: toPrecision(job.precision),
  systemPrompt: job.settings.systemPrompt ?? '',
  continuedFromJobName: job.continuedFrom === null ? '' : makeName(job.accountId, 'batchInferenceJobs', job.continuedFrom),
  jobProgress: job.state === 'VALIDATING' ? null : toProgress(job, job.totalRows ?? 0, progress),
  lifecycle: toLifecycle(job),
  placement: null,
  waitingOnCapacity,
  onInvalidRow: job.onInvalidRow,
  askIdenticalRowsOnce: job.settings.askIdenticalRowsOnce ?? false,
  forecast: forecast === undefined ? null : toForecast(job, forecast),
  stateReason: reason,
});

/** The state as we keep it; undefined for one that no job of ours ever has. */
export const toStoredState = (wire: WireJobState): JobState | undefined =>
  JOB_STATES.find((state) => toWireJobState(state) === wire);

const toForecast = ({ expiresAt }: Job, { models: _, endsAt, ...forecast }: JobForecast): BatchInferenceJob['forecast'] => ({
  ...forecast,
  endTime: endsAt?.toISOString() ?? null,
  late: endsAt !== null && endsAt > expiresAt,
});

const toProgress = (job: Job, total: number, { ok, failed, inputTokens, outputTokens, cachedTokens }: Progress): JobProgress => {
  const processed = ok + failed;
  return {
    percent: toPercent(job, processed, total),
    epoch: 0,
    totalInputRequests: total,
    totalProcessedRequests: processed,
    successfullyProcessedRequests: ok,
    failedRequests: failed,
    outputRows: processed,
    inputTokens,
    outputTokens,
    cachedInputTokenCount: cachedTokens,
  };
};

/** Rounded down; a hundred means that the results can be fetched, not that the last row is done. */
const toPercent = ({ state }: Job, processed: number, total: number): number => {
  if (total === 0) return state === 'COMPLETED' ? 100 : 0;
  const percent = Math.floor((processed / total) * 100);
  return isFinal(state) ? percent : Math.min(percent, 99);
};

const toLifecycle = ({ validatedAt, startedAt, endedAt }: Job): BatchInferenceJob['lifecycle'] => {
  if (validatedAt === null && startedAt === null && endedAt === null) return null;
  const [validatedTime, runStartTime, endTime] = [validatedAt, startedAt, endedAt].map((at) => at?.toISOString() ?? null);
  return { validatedTime: validatedTime ?? null, runStartTime: runStartTime ?? null, endTime: endTime ?? null };
};

const toParameters = ({
  extraBody,
  systemPrompt: _,
  askIdenticalRowsOnce: __,
  ...set
}: JobSettings): BatchInferenceJob['inferenceParameters'] => ({
  extraBody: JSON.stringify(extraBody ?? {}),
  ...set,
});

const toStatusCode = (code: string): StatusCode => STATUS_CODES.find((known) => known === code) ?? 'UNKNOWN';
const toPrecision = (precision: string): Precision => PRECISIONS.find((known) => known === precision) ?? 'PRECISION_UNSPECIFIED';
