/** `…/batchInferenceJobs/{job}:results`: rows as they are committed, while the job runs. An extension. */
import { z } from 'zod';
import { getJob } from '../actions/get-job.ts';
import { ResultsQuery } from '../contract/job-results.ts';
import { route } from './route.ts';
import { sendResults } from './send-results.ts';

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
  handle: async ({ context, caller, params, query }) => {
    const job = await getJob(context, caller, params['job_id'] ?? '');
    return sendResults(context, { job, ...query, pageToken: query.pageToken, contentType: 'application/jsonl' });
  },
});
