/** A job in the shape of a batch. */
import { type Batch, type BatchError, type BatchStatus, toCompletionWindow } from '../../contract/openai/batch.ts';
import { toBatchId, toFileId } from '../../contract/openai/ids.ts';
import type { Job, Progress } from '../../jobs/job.ts';
import { isFinal, type JobState } from '../../jobs/states.ts';
import { toSeconds } from './file-reply.ts';

/** What is known of a job beside its own row. */
export interface BatchFacts {
  readonly progress: Progress;
  /** The word that its rows name their model with; null where they name several, or nobody knows yet. */
  readonly model: string | null;
  /** Null unless it failed. */
  readonly errors: BatchError[] | null;
}

/** Every field, the unset ones as null. */
export const toBatchReply = (job: Job, { progress, model, errors }: BatchFacts): Batch => {
  const counts = toCounts(job, progress);
  const hasEnded = isFinal(job.state);
  return {
    id: toBatchId(job.id),
    object: 'batch',
    endpoint: job.endpoint ?? '',
    model,
    errors: errors && { object: 'list', data: errors },
    input_file_id: toFileId(job.inputDatasetId),
    completion_window: toCompletionWindow(Math.round((job.expiresAt.getTime() - job.createdAt.getTime()) / 1000)),
    status: toStatus(job),
    output_file_id: hasEnded && counts.completed > 0 ? toFileId(job.outputDatasetId) : null,
    error_file_id: hasEnded && counts.failed > 0 ? toFileId(job.outputDatasetId, 'errors') : null,
    created_at: toSeconds(job.createdAt),
    expires_at: toSeconds(job.expiresAt),
    ...toTimes(job),
    request_counts: counts,
    usage: toUsage(progress),
    metadata: job.metadata && { ...job.metadata },
  };
};

const STATUSES: Readonly<Record<JobState, BatchStatus>> = {
  VALIDATING: 'validating',
  PENDING: 'in_progress',
  RUNNING: 'in_progress',
  PAUSED: 'in_progress',
  CANCELLING: 'cancelling',
  WRITING_RESULTS: 'finalizing',
  COMPLETED: 'completed',
  FAILED: 'failed',
  EXPIRED: 'expired',
  CANCELLED: 'cancelled',
  // Such jobs are no batches any more.
  DELETING_CLEANING_UP: 'cancelled',
};

const toStatus = ({ state, movedAt }: Job): BatchStatus =>
  state === 'WRITING_RESULTS' && movedAt.CANCELLING !== undefined ? 'cancelling' : STATUSES[state];

type Times = Pick<
  Batch,
  'in_progress_at' | 'finalizing_at' | 'completed_at' | 'failed_at' | 'expired_at' | 'cancelling_at' | 'cancelled_at'
>;

const toTimes = ({ movedAt }: Job): Times => {
  const at = (...states: readonly JobState[]): number | null => {
    const time = states.map((state) => movedAt[state]).find((moved) => moved !== undefined);
    return time === undefined ? null : toSeconds(new Date(time));
  };
  const isCancelled = (movedAt.CANCELLING ?? movedAt.CANCELLED) !== undefined;
  return {
    in_progress_at: at('PENDING'),
    finalizing_at: isCancelled ? null : at('WRITING_RESULTS'),
    completed_at: at('COMPLETED'),
    failed_at: at('FAILED'),
    expired_at: at('EXPIRED'),
    // One whose rows were not read yet is cancelled in one step.
    cancelling_at: at('CANCELLING', 'CANCELLED'),
    cancelled_at: at('CANCELLED'),
  };
};

/** In the end every row is in one of the two files, so it counts in one of the two. */
const toCounts = ({ state, totalRows }: Job, { ok, failed }: Progress): Batch['request_counts'] => {
  const total = state === 'VALIDATING' ? 0 : (totalRows ?? 0);
  return { total, completed: ok, failed: isFinal(state) ? total - ok : failed };
};

const toUsage = ({ inputTokens, outputTokens, cachedTokens }: Progress): Batch['usage'] => ({
  input_tokens: inputTokens,
  input_tokens_details: { cached_tokens: cachedTokens },
  output_tokens: outputTokens,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: inputTokens + outputTokens,
});
