/** Routes of OpenAI's dialect: `/files` is served under `/v1`, `/openai/v1` and `/inference/v1`, and refuses in OpenAI's envelope. */
import { OpenAiErrorBody } from '../../contract/openai/error.ts';
import { type Dialect, makeRoute } from '../route.ts';
import { makeOpenAiErrorHandler } from './openai-errors.ts';

/** What stands before every path of this dialect; the document shows the first. */
export const OPENAI_PREFIXES: readonly string[] = ['/v1', '/openai/v1', '/inference/v1'];

const OPENAI: Dialect = {
  prefixes: OPENAI_PREFIXES,
  onError: makeOpenAiErrorHandler,
  refusals: {
    401: { description: 'The API key is missing, unknown or expired', schema: OpenAiErrorBody },
    default: { description: 'Refused', schema: OpenAiErrorBody },
  },
};

/**
 * Makes a route of OpenAI's dialect. Paths begin after the prefix (`/batches/{batch_id}/cancel`); `operationId` is given wherever the other dialect has
 * an operation of the same name; a handler that changes something says of what, for the audit log: `http.set('subject', makeName(…))`.
 */
export const openaiRoute = makeRoute(OPENAI);
