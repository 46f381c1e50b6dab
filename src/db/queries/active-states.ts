import { isFinal, JOB_STATES, type JobState } from '../../jobs/states.ts';

/** States of jobs that still read their input or will write their output. */
export const ACTIVE_STATES: readonly JobState[] = JOB_STATES.filter(
  (state) => !isFinal(state) && state !== 'DELETING_CLEANING_UP',
);
