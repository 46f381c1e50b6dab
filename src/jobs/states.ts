/** The states a batch inference job really passes through, in the order of its life. The wire knows more (`contract/job-state.ts`). */
export const JOB_STATES = [
  'VALIDATING',
  'PENDING',
  'RUNNING',
  'PAUSED',
  'CANCELLING',
  'WRITING_RESULTS',
  'COMPLETED',
  'FAILED',
  'EXPIRED',
  'CANCELLED',
  'DELETING_CLEANING_UP',
] as const;
export type JobState = (typeof JOB_STATES)[number];

/** How a job can end. */
export type Outcome = 'COMPLETED' | 'FAILED' | 'EXPIRED' | 'CANCELLED';

/** Every legal move. Whatever ends after rows could have been committed goes through WRITING_RESULTS, so that they reach the output. */
const MOVES: Record<JobState, readonly JobState[]> = {
  // The planner has read every row, or found that it can't go on.
  VALIDATING: ['PENDING', 'FAILED', 'EXPIRED', 'CANCELLED', 'DELETING_CLEANING_UP'],
  // A worker takes the first shard.
  PENDING: ['RUNNING', 'PAUSED', 'WRITING_RESULTS', 'CANCELLING', 'DELETING_CLEANING_UP'],
  // The last shard is settled, the deadline has passed, or every engine has gone for good.
  RUNNING: ['PAUSED', 'WRITING_RESULTS', 'CANCELLING', 'DELETING_CLEANING_UP'],
  // Somebody resumes it; or rows that were in flight were the last ones, or the deadline has passed.
  PAUSED: ['PENDING', 'WRITING_RESULTS', 'CANCELLING', 'DELETING_CLEANING_UP'],
  CANCELLING: ['WRITING_RESULTS', 'DELETING_CLEANING_UP'],
  WRITING_RESULTS: ['COMPLETED', 'FAILED', 'EXPIRED', 'CANCELLED', 'DELETING_CLEANING_UP'],
  COMPLETED: ['DELETING_CLEANING_UP'],
  FAILED: ['DELETING_CLEANING_UP'],
  EXPIRED: ['DELETING_CLEANING_UP'],
  CANCELLED: ['DELETING_CLEANING_UP'],
  DELETING_CLEANING_UP: [],
};

const FINAL: readonly JobState[] = ['COMPLETED', 'FAILED', 'EXPIRED', 'CANCELLED'];

/** True when nothing more will happen to the job by itself. */
export const isFinal = (state: JobState): boolean => FINAL.includes(state);

/** The states a job may be in for a move to `to` to be legal: the guard in every update. */
export const statesBefore = (to: JobState): readonly JobState[] => JOB_STATES.filter((from) => MOVES[from].includes(to));
