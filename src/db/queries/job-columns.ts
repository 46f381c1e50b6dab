import type { Job } from '../../jobs/job.ts';

const COLUMNS: Record<keyof Job, true> = {
  uid: true,
  accountId: true,
  id: true,
  displayName: true,
  createdBy: true,
  state: true,
  statusCode: true,
  statusMessage: true,
  model: true,
  precision: true,
  inputDatasetId: true,
  outputDatasetId: true,
  settings: true,
  onInvalidRow: true,
  continuedFrom: true,
  maxDurationSeconds: true,
  createdAt: true,
  updatedAt: true,
  expiresAt: true,
  validatedAt: true,
  startedAt: true,
  endedAt: true,
  totalRows: true,
  inputRows: true,
  rowFormat: true,
  planned: true,
  planKey: true,
  reportKey: true,
  endpoint: true,
  metadata: true,
  outputExpiresAfterSeconds: true,
  movedAt: true,
};

/** What a `Job` is read from: every field of it and nothing else, checked by the compiler. */
export const JOB_COLUMNS = Object.keys(COLUMNS) as (keyof Job)[]; // the keys of the record above
