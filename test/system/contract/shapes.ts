/** The replies of the contract, field by field: nothing less, and nothing more than what is named as ours. */
import { expect } from 'vitest';

/** RFC 3339, UTC. */
export const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/);
/** 64-bit numbers travel as strings. */
export const INT64 = expect.stringMatching(/^\d+$/);
/** Numbers of 32 bits travel as numbers. */
const INT32 = expect.toSatisfy((value: number) => Number.isInteger(value) && value < 2 ** 31, 'a number of 32 bits');

const OK = { code: 'OK', message: '' };

/** What Boatload says of a job beyond the contract. */
const OUR_JOB_FIELDS = {
  onInvalidRow: expect.stringMatching(/^(fail|skip)$/),
  askIdenticalRowsOnce: expect.any(Boolean),
  forecast: expect.toBeOneOf([null, expect.objectContaining({ basis: expect.any(String), late: expect.any(Boolean) })]),
  stateReason: expect.any(String),
};

/** A job that has just been created; every field, in the contract's own unset form. */
export const NEW_JOB = {
  name: expect.any(String),
  displayName: '',
  createdBy: expect.any(String),
  createTime: TIME,
  updateTime: TIME,
  expireTime: TIME,
  maxJobDuration: null,
  state: 'JOB_STATE_VALIDATING',
  status: OK,
  model: expect.any(String),
  inputDatasetId: expect.any(String),
  outputDatasetId: expect.any(String),
  inferenceParameters: { extraBody: '{}' },
  precision: expect.stringMatching(/^(PRECISION_UNSPECIFIED|BF16)$/),
  systemPrompt: '',
  continuedFromJobName: '',
  jobProgress: null,
  lifecycle: null,
  placement: null,
  waitingOnCapacity: false,
  ...OUR_JOB_FIELDS,
};

/** Progress of a job that has been set up. */
export const PROGRESS = {
  percent: INT32,
  epoch: 0,
  totalInputRequests: INT32,
  totalProcessedRequests: INT32,
  successfullyProcessedRequests: INT32,
  failedRequests: INT32,
  outputRows: INT32,
  inputTokens: INT32,
  outputTokens: INT32,
  cachedInputTokenCount: INT32,
};

/** The same with nothing done. */
export const NO_PROGRESS = Object.fromEntries(Object.keys(PROGRESS).map((field) => [field, 0]));

/** A dataset that is going to be uploaded. */
export const NEW_DATASET = {
  name: expect.any(String),
  displayName: '',
  createTime: TIME,
  updateTime: TIME,
  createdBy: expect.any(String),
  state: 'UPLOADING',
  status: OK,
  exampleCount: '0',
  userUploaded: {},
  externalUrl: '',
  format: 'FORMAT_UNSPECIFIED',
  sourceJobName: '',
  estimatedTokenCount: '0',
  averageTurnCount: 0,
  encryptionState: 'ENCRYPTION_STATE_PLAINTEXT',
};

/** A refused call; its details are ours. */
export const refusal = (code: number, message: unknown = expect.any(String)) => ({
  code,
  message,
  details: [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: expect.stringMatching(/^[A-Z_]+$/),
      domain: 'boatload',
      metadata: expect.any(Object),
    },
  ],
});

/** What a bad key gets, whatever it asked for. */
export const BAD_KEY = {
  error: { message: 'The API key you provided is invalid.', param: null, code: 'UNAUTHORIZED', type: 'error' },
  request_id: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
};
