/** A refusal becomes a body; a defect becomes a body that gives nothing away, and a line in the log. */
import type { Context } from 'hono';
import { Problem } from '../base/problem.ts';
import { type ErrorBody, httpStatusOf, type KeyErrorBody, numberOf } from '../contract/errors.ts';
import type { ApiContext, ApiEnv } from './api-context.ts';

/** The API key is missing, unknown or expired: the one refusal with an envelope of its own. */
export class KeyRefused extends Error {
  override readonly name = 'KeyRefused';
}

/** The handler of everything that is thrown on the way to a reply. */
export const makeErrorHandler =
  ({ log }: Pick<ApiContext, 'log'>) =>
  (error: Error, c: Context<ApiEnv>): Response => {
    const requestId = c.get('requestId');
    if (error instanceof KeyRefused) return c.json(keyError(requestId), 403);
    if (error instanceof Problem) return problemReply(c, error);
    log.error({ requestId, method: c.req.method, path: c.req.path, error }, 'request failed');
    return problemReply(c, ourFault(requestId));
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
export const notFound = (c: Context): Response =>
  problemReply(
    c,
    new Problem('NOT_FOUND', `resource not found: ${c.req.method} ${new URL(c.req.url).pathname}`, { reason: 'NO_SUCH_PATH' }),
  );
