import type { Db } from '../store.ts';
import { moveJob } from './move-job.ts';

export interface ValidationFailure {
  readonly statusCode: string;
  readonly statusMessage: string;
  /** Where the list of bad lines is, when there is one. */
  readonly reportKey: string | null;
}

/** Ends a job whose input can't be run. False when it is no longer VALIDATING. */
export const failValidation = async (db: Db, uid: string, failure: ValidationFailure): Promise<boolean> =>
  (await moveJob(db, uid, 'FAILED', failure)) !== undefined;
