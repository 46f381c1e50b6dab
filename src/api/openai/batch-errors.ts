/** Why a batch failed, in the codes that OpenAI's clients know. */
import type { ValidationReport } from '../../contract/job.ts';
import type { BatchError } from '../../contract/openai/batch.ts';
import type { Job } from '../../jobs/job.ts';

type Fault = Pick<BatchError, 'code' | 'param'>;

/** What is wrong with a line, by our reason. */
const OF_LINES: Readonly<Record<string, Fault>> = {
  BROKEN_JSON: { code: 'invalid_json_line', param: null },
  NOT_AN_OBJECT: { code: 'invalid_json_line', param: null },
  NOT_UTF8: { code: 'invalid_json_line', param: null },
  LINE_TOO_LONG: { code: 'line_too_long', param: null },
  MISSING_CUSTOM_ID: { code: 'missing_required_parameter', param: 'custom_id' },
  INVALID_CUSTOM_ID: { code: 'invalid_request', param: 'custom_id' },
  DUPLICATE_CUSTOM_ID: { code: 'duplicate_custom_id', param: 'custom_id' },
  MIXED_FORMATS: { code: 'invalid_request', param: null },
  MISSING_URL: { code: 'missing_required_parameter', param: 'url' },
  INVALID_URL: { code: 'invalid_url', param: 'url' },
  URL_MISMATCH: { code: 'url_mismatch', param: 'url' },
  MISSING_METHOD: { code: 'missing_required_parameter', param: 'method' },
  INVALID_METHOD: { code: 'invalid_method', param: 'method' },
  MISSING_BODY: { code: 'missing_required_parameter', param: 'body' },
  INVALID_BODY: { code: 'invalid_request', param: 'body' },
  MISSING_MODEL: { code: 'missing_required_parameter', param: 'body.model' },
  INVALID_MODEL: { code: 'invalid_request', param: 'body.model' },
  MODEL_MISMATCH: { code: 'model_mismatch', param: 'body.model' },
  MODEL_NOT_FOUND: { code: 'model_not_found', param: 'body.model' },
  MODEL_NOT_SERVED: { code: 'model_not_available', param: 'body.model' },
  ENDPOINT_NOT_SERVED: { code: 'model_does_not_support_endpoint', param: 'body.model' },
};

/** A body that its endpoint would refuse. */
const OF_A_BODY: Fault = { code: 'invalid_request', param: 'body' };

/** What ended a batch as a whole, by the status of its job. */
const OF_STATUSES: Readonly<Record<string, string>> = {
  // Without bad lines, an input is refused only because it has no rows.
  INVALID_ARGUMENT: 'empty_batch',
  FAILED_PRECONDITION: 'invalid_request',
  // No engine answers any more: as its rows say that never ran.
  UNAVAILABLE: 'batch_failed',
};

/** An error for each bad line that is known. */
export const toLineErrors = ({ badLines }: ValidationReport): BatchError[] =>
  badLines.map(({ file, line, reason, message, remedy }) => ({
    ...(OF_LINES[reason] ?? OF_A_BODY),
    line,
    message: `${file === undefined ? '' : `${file}: `}${message}. ${remedy}`,
  }));

/** The one error of a batch that failed for another reason than its lines. */
export const toBatchError = ({ statusCode, statusMessage }: Job): BatchError => ({
  code: OF_STATUSES[statusCode] ?? 'server_error',
  line: null,
  message: statusMessage,
  param: null,
});
