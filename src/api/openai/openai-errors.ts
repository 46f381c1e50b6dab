/** Refusals in OpenAI's envelope: the same problems as everywhere, with the status, type and code that its clients go by. */
import type { Context } from 'hono';
import type { Problem } from '../../base/problem.ts';
import { httpStatusOf } from '../../contract/errors.ts';
import type { OpenAiErrorBody } from '../../contract/openai/error.ts';
import type { ApiContext, ApiEnv } from '../api-context.ts';
import { KeyRefused, noSuchPath, type Refusal, toRefusal } from '../errors.ts';

type ErrorType = OpenAiErrorBody['error']['type'];

/** The handler of everything that is thrown on the way to a reply of this dialect. */
export const makeOpenAiErrorHandler =
  (context: Pick<ApiContext, 'log'>) =>
  (error: Error, c: Context<ApiEnv>): Response =>
    refusalReply(c, toRefusal(context, error, c));

/** A path that no route has. */
export const openAiNotFound = (c: Context<ApiEnv>): Response => refusalReply(c, noSuchPath(c));

/** A path that exists, asked with a method that doesn't. */
export const openAiMethodRefused = (c: Context<ApiEnv>, allow: string): Response =>
  c.json(toBody(`${c.req.method} is not offered here, only ${allow}.`, { code: 'method_not_allowed' }), 405, { allow });

const refusalReply = (c: Context<ApiEnv>, refusal: Refusal): Response => {
  if (refusal instanceof KeyRefused) return c.json(toBody(KEY_REFUSED, { code: 'invalid_api_key' }), 401);
  const status = statusOf(refusal);
  return c.json(toOpenAiError(refusal, status), status as 400); // 499 is no status that Hono's types know, though HTTP allows it.
};

const KEY_REFUSED = 'The API key is missing, unknown or expired. Send one as "Authorization: Bearer …".';

/** The envelope of a problem. */
export const toOpenAiError = (problem: Problem, status = statusOf(problem)): OpenAiErrorBody => {
  const { field } = problem.details;
  return toBody(problem.message, {
    type: typeOf(status),
    param: typeof field === 'string' && field !== '' ? field : null,
    code: problem.reason.toLowerCase(),
  });
};

/** The clients try 5xx again; what is not offered will not be offered a second later either. */
const statusOf = ({ code }: Problem): number => (code === 'UNIMPLEMENTED' ? 400 : httpStatusOf(code));

const typeOf = (status: number): ErrorType => {
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
};

const toBody = (message: string, facts: Partial<OpenAiErrorBody['error']>): OpenAiErrorBody => ({
  error: { message, type: 'invalid_request_error', param: null, code: null, ...facts },
});
