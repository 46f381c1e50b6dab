/** The rows of a job that has not ended yet, on the wire: JSON lines, and headers that say how to go on. */
import { z } from 'zod';
import { makePageToken, readPageToken } from './list.ts';
import { RESULT_HEADERS } from './results-headers.ts';

/** Which rows. */
export const RESULT_KINDS = ['all', 'answers', 'errors'] as const;
/** One of them. */
export type ResultKind = (typeof RESULT_KINDS)[number];

/** A bounded page may have to be held in memory. */
const MAX_PAGE_BYTES = 64 * 1024 * 1024;

/** Query parameters of `:results`. */
export const ResultsQuery = z.object({
  pageToken: z
    .string()
    .optional()
    .describe(
      `Where to go on: the header \`${RESULT_HEADERS.nextPageToken}\` of a reply for the same job and kind; absent: with the first row`,
    ),
  kind: z
    .enum(RESULT_KINDS)
    .default('all')
    .describe('`answers`: rows that were answered. `errors`: rows that failed. `all`: both; the default'),
  maxBytes: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'expected a whole number from 1')
    .transform((text) => Math.min(Number(text), MAX_PAGE_BYTES))
    .optional()
    .meta({
      type: 'integer',
      format: 'int32',
      description: `Size of the reply at which it ends, in bytes, rounded up to whole commits of some 4 MB: for readers who keep a reply before they use it. Larger values mean ${MAX_PAGE_BYTES}; all that is there when absent`,
    }),
});

/** Where a reader is in a job's results. */
export interface ResultsPlace {
  /** The last part of the reading order that was read. */
  readonly part: number;
  /** In the files that replace the parts once the job has ended: the bytes that were read … */
  readonly bytes: number;
  /** … and the input's row at which the reader goes on. */
  readonly row: number;
}

/** Before the first row. */
export const RESULTS_START: ResultsPlace = { part: 0, bytes: 0, row: 0 };

/** Makes the token of a place. */
export const makeResultsToken = ({ part, bytes, row }: ResultsPlace, boundTo: readonly string[]): string =>
  [part, bytes, row].map((number) => makePageToken(number, boundTo)).join('.');

/** The place of a token; undefined for one that is malformed or of another job or kind. */
export const readResultsToken = (token: string, boundTo: readonly string[]): ResultsPlace | undefined => {
  const numbers = token.split('.').map((one) => readPageToken(one, boundTo));
  const [part, bytes, row] = numbers;
  if (numbers.length !== 3 || part === undefined || bytes === undefined || row === undefined) return undefined;
  return { part, bytes, row };
};
