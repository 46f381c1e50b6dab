/** What a person can do about an S3 server that does not do what it is asked. */
import { Problem, type ProblemCode } from '../base/problem.ts';
import type { S3Place } from './s3-url.ts';

const MISSING: ReadonlySet<string> = new Set(['NoSuchKey', 'NotFound']);
const REFUSED: ReadonlySet<string> = new Set([
  'AccessDenied',
  'Forbidden',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'CredentialsProviderError',
]);

/** There is no such object. */
export const isMissing = (cause: unknown): boolean => MISSING.has(nameOf(cause));

/** The range begins behind the object's end. */
export const isEmptyRange = (cause: unknown): boolean => nameOf(cause) === 'InvalidRange';

/** Turns what the SDK throws into a `Problem`; a `Problem` stays what it is. */
export function toStoreProblem(cause: unknown, { bucket, endpoint = 'Amazon S3' }: S3Place): Problem {
  if (cause instanceof Problem) return cause;
  const name = nameOf(cause);
  const words = cause instanceof Error && cause.message !== '' ? cause.message : name;
  const make = (code: ProblemCode, reason: string, message: string) =>
    new Problem(code, message, { reason, details: { bucket, endpoint }, cause });
  if (name === 'NoSuchBucket' || isMissing(cause))
    return make(
      'FAILED_PRECONDITION',
      'BUCKET_NOT_FOUND',
      `There should be a bucket "${bucket}" at ${endpoint}. Create it, or name another one.`,
    );
  if (REFUSED.has(name) || statusOf(cause) === 403)
    return make(
      'PERMISSION_DENIED',
      'STORE_REFUSED',
      `${endpoint} does not let us use the bucket "${bucket}" (${words}). Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key that may read, write, list and delete there.`,
    );
  return make(
    'UNAVAILABLE',
    'STORE_UNREACHABLE',
    `The bucket "${bucket}" at ${endpoint} can't be used now (${words}). Check that the server runs, and its address.`,
  );
}

const nameOf = (cause: unknown): string => (cause instanceof Error ? cause.name : '');

const statusOf = (cause: unknown): number | undefined => {
  const metadata = cause instanceof Error && '$metadata' in cause ? cause.$metadata : undefined;
  return (metadata as { readonly httpStatusCode?: number } | undefined)?.httpStatusCode; // as all errors of the SDK have it
};
