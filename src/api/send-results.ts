/** Committed rows as an answer, and the tokens that lead from one answer to the next: the same in both dialects. */
import { Readable } from 'node:stream';
import { type CommittedRows, openCommittedRows } from '../actions/read-committed-rows.ts';
import { Problem } from '../base/problem.ts';
import { makeResultsToken, RESULTS_START, type ResultKind, readResultsToken } from '../contract/job-results.ts';
import { RESULT_HEADERS } from '../contract/results-headers.ts';
import type { Job } from '../jobs/job.ts';
import { inBlocks } from '../jsonl/in-blocks.ts';
import type { ApiContext } from './api-context.ts';

/** Which rows of which job. */
export interface ResultsCall {
  readonly job: Job;
  readonly kind: ResultKind;
  readonly pageToken: string | undefined;
  readonly maxBytes?: number | undefined;
  readonly contentType: string;
  /** What the lines become on their way; as they are stored when absent. */
  readonly shape?: (rows: CommittedRows) => AsyncIterable<Buffer>;
}

/** Answers what is committed behind the token. */
export async function sendResults(context: ApiContext, call: ResultsCall): Promise<Response> {
  const { job, kind, pageToken, maxBytes, contentType, shape = ({ lines }: CommittedRows) => lines } = call;
  const boundTo = ['results', job.uid, kind];
  const from = pageToken ? readResultsToken(pageToken, boundTo) : RESULTS_START;
  if (from === undefined) throw badToken();
  const rows = await openCommittedRows(context, job, { kind, from, maxBytes });
  const headers = {
    'content-type': contentType,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    [RESULT_HEADERS.complete]: String(rows.next === undefined),
    ...(rows.next && { [RESULT_HEADERS.nextPageToken]: makeResultsToken(rows.next, boundTo) }),
  };
  // Node's and the DOM's ReadableStream are one class with two type declarations.
  const body = Readable.toWeb(Readable.from(inBlocks(shape(rows)), { objectMode: false })) as ReadableStream<Uint8Array>;
  return new Response(body, { headers });
}

const badToken = (): Problem =>
  new Problem('INVALID_ARGUMENT', 'pageToken is not one that this job gave for rows of this kind. Begin again without it.', {
    reason: 'INVALID_PAGE_TOKEN',
    details: { field: 'pageToken' },
  });
