/** The job states of the wire. A batch inference job passes through some of them; clients must bear the rest. */

/** Every value of the enum in its order of declaration, with what it means for a batch inference job. */
const MEANINGS = {
  JOB_STATE_UNSPECIFIED: 'No state was given',
  JOB_STATE_CREATING: 'What the job needs to run is being brought up',
  JOB_STATE_RUNNING: 'Rows are being answered',
  JOB_STATE_COMPLETED: 'Every row has an answer or an error; final',
  JOB_STATE_FAILED: 'The job as a whole could not go on, `status.message` says why; final',
  JOB_STATE_CANCELLED: 'Somebody cancelled the job, finished rows are kept; final',
  JOB_STATE_DELETING: 'The job is being removed',
  JOB_STATE_WRITING_RESULTS: 'All rows are done, the output files are being written',
  JOB_STATE_VALIDATING: 'The input is being read and checked',
  JOB_STATE_DELETING_CLEANING_UP: 'The job was deleted, what it left is being removed',
  JOB_STATE_PENDING: 'The input is good; the job waits for its first free worker',
  JOB_STATE_EXPIRED: 'The window closed or the output became too large, finished rows are kept; final',
  JOB_STATE_RE_QUEUEING: 'The job is being put back into the queue',
  JOB_STATE_CREATING_INPUT_DATASET: 'The rows that a continuation runs are being gathered',
  JOB_STATE_IDLE: 'Nothing is going on',
  JOB_STATE_CANCELLING: 'Somebody cancelled the job, its workers are being told',
  JOB_STATE_EARLY_STOPPED: 'Stopped before its end by a rule; not used by batch inference',
  JOB_STATE_PAUSED: 'Paused until somebody resumes it',
  JOB_STATE_DELETED: 'The job is gone',
  JOB_STATE_ARCHIVED: 'The job is kept for the record only',
} as const;
/** A job state as it is written on the wire. */
export type WireJobState = keyof typeof MEANINGS;

/** All of them, in the order of declaration. (`Object.keys` forgets the type.) */
export const WIRE_JOB_STATES = Object.keys(MEANINGS) as readonly WireJobState[];

/** What a state means, in a sentence. */
export const meaningOf = (state: WireJobState): string => MEANINGS[state];

/** `RUNNING` and `JOB_STATE_RUNNING` both name a state; undefined for what is none. */
export const toWireJobState = (state: string): WireJobState | undefined => {
  const name = state.startsWith('JOB_STATE_') ? state : `JOB_STATE_${state}`;
  return WIRE_JOB_STATES.find((known) => known === name);
};
