/** A refusal becomes a body; a defect becomes a body that gives nothing away, and a line in the log. */
import type { Context } from 'hono';
import { Problem } from '../base/problem.ts';
import { type ErrorBody, httpStatusOf, type KeyErrorBody, numberOf } from '../contract/errors.ts';
import type { ApiContext, ApiEnv } from './api-context.ts';

/** The API key is missing, unknown or expired: the one refusal with an envelope of its own. */
export class KeyRefused extends Error {
  override readonly name = 'KeyRefused';
}

/** What a caller is told: a refusal, or that the fault is ours. */
export type Refusal = KeyRefused | Problem;

/** What was thrown, as what the caller is told of it; a defect becomes a line in the log. */
export const toRefusal = ({ log }: Pick<ApiContext, 'log'>, error: Error, c: Context<ApiEnv>): Refusal => {
  if (error instanceof KeyRefused || error instanceof Problem) return error;
  const requestId = c.get('requestId');
  log.error({ requestId, method: c.req.method, path: c.req.path, error }, 'request failed');
  return ourFault(requestId);
};

/** The handler of everything that is thrown on the way to a reply. */
export const makeErrorHandler =
  (context: Pick<ApiContext, 'log'>) =>
  (error: Error, c: Context<ApiEnv>): Response => {
    const refusal = toRefusal(context, error, c);
    return refusal instanceof KeyRefused ? c.json(keyError(c.get('requestId')), 403) : problemReply(c, refusal);
  };

const problemReply = (c: Context, problem: Problem): Response => {
  // 499 is no status that Hono's types know, though HTTP allows it.
  const status = httpStatusOf(problem.code) as 400;
  return c.json(toErrorBody(problem), status);
};

/** The wire's form of a refusal. */
const toErrorBody = ({ code, message, reason, details }: Problem): ErrorBody => ({
  code: numberOf(code),
  message,
  details: [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason,
      domain: 'boatload',
      metadata: Object.fromEntries(
        Object.entries(details).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
      ),
    },
  ],
});

const ourFault = (requestId: string): Problem =>
  new Problem('INTERNAL', `Something went wrong in the server. Its log says more under request ${requestId}.`, {
    reason: 'INTERNAL',
  });

const keyError = (requestId: string): KeyErrorBody => ({
  error: { message: 'The API key you provided is invalid.', param: null, code: 'UNAUTHORIZED', type: 'error' },
  request_id: requestId,
});

/** A path that no route has. */
export const notFound = (c: Context): Response => problemReply(c, noSuchPath(c));

/** What is said of it. */
export const noSuchPath = (c: Context): Problem =>
  new Problem('NOT_FOUND', `resource not found: ${c.req.method} ${new URL(c.req.url).pathname}`, { reason: 'NO_SUCH_PATH' });
