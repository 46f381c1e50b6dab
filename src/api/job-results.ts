/** `…/batchInferenceJobs/{job}:results`: rows as they are committed, while the job runs. An extension. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import { getJob } from '../actions/get-job.ts';
import { type CommittedRows, openCommittedRows } from '../actions/read-committed-rows.ts';
import { Problem } from '../base/problem.ts';
import { makeResultsToken, RESULTS_START, type ResultKind, ResultsQuery, readResultsToken } from '../contract/job-results.ts';
import { RESULT_HEADERS } from '../contract/results-headers.ts';
import type { Job } from '../jobs/job.ts';
import { inBlocks } from '../jsonl/in-blocks.ts';
import { route } from './route.ts';

/** The route. */
export const jobResultsRoute = route({
  method: 'get',
  path: '/v1/accounts/{account_id}/batchInferenceJobs/{job_id}/@results',
  tag: 'Batch inference jobs',
  operationId: 'readBatchInferenceJobResults',
  summary: 'Read the rows of a batch inference job that are committed so far, also while it runs',
  query: ResultsQuery,
  reply: z.string().meta({ format: 'binary', description: 'JSON lines, as in the files of the output dataset' }),
  replyType: 'application/jsonl',
  handle: async ({ context, caller, params, query: { kind, pageToken, maxBytes } }) => {
    const job = await getJob(context, caller, params['job_id'] ?? '');
    const boundTo = boundOf(job, kind);
    const from = pageToken ? readResultsToken(pageToken, boundTo) : RESULTS_START;
    if (from === undefined) throw badToken();
    return sendRows(await openCommittedRows(context, job, { kind, from, maxBytes }), boundTo);
  },
});

/** A token is good for the job and the kind that it was made for. */
const boundOf = ({ uid }: Job, kind: ResultKind): readonly string[] => ['results', uid, kind];

function sendRows({ lines, next }: CommittedRows, boundTo: readonly string[]): Response {
  const headers = {
    'content-type': 'application/jsonl',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    [RESULT_HEADERS.complete]: String(next === undefined),
    ...(next && { [RESULT_HEADERS.nextPageToken]: makeResultsToken(next, boundTo) }),
  };
  // Node's and the DOM's ReadableStream are one class with two type declarations.
  const body = Readable.toWeb(Readable.from(inBlocks(lines), { objectMode: false })) as ReadableStream<Uint8Array>;
  return new Response(body, { headers });
}

const badToken = (): Problem =>
  new Problem('INVALID_ARGUMENT', 'pageToken is not one that this job gave for rows of this kind. Begin again without it.', {
    reason: 'INVALID_PAGE_TOKEN',
    details: { field: 'pageToken' },
  });
