/** `/v1/accounts/{account}/batchInferenceJobs`. */
import { z } from 'zod';
import { cancelJob } from '../actions/cancel-job.ts';
import { createJob } from '../actions/create-job.ts';
import { deleteJob } from '../actions/delete-job.ts';
import { getJob } from '../actions/get-job.ts';
import { listJobs } from '../actions/list-jobs.ts';
import { Problem } from '../base/problem.ts';
import { BatchInferenceJob, CreateJobQuery, CreateJobRequest } from '../contract/job.ts';
import { ListQuery, listReply, ReadQuery } from '../contract/list.ts';
import { sumProgress } from '../db/queries/sum-progress.ts';
import type { Job } from '../jobs/job.ts';
import type { ApiContext } from './api-context.ts';
import { toJobReply } from './job-reply.ts';
import { toSettings } from './job-settings.ts';
import { nextPageToken, toPage } from './pages.ts';
import { applyMask } from './read-mask.ts';
import { type Call, route } from './route.ts';

const COLLECTION = '/v1/accounts/{account_id}/batchInferenceJobs';
const ONE = `${COLLECTION}/{job_id}`;
const tag = 'Batch inference jobs';
const idOf = ({ params }: Call<unknown, unknown>): string => params['job_id'] ?? '';
const reply = async ({ store }: ApiContext, job: Job): Promise<BatchInferenceJob> =>
  toJobReply(job, await sumProgress(store.db, job.uid));

const create = route({
  method: 'post',
  path: COLLECTION,
  tag,
  summary: 'Start a batch inference job',
  query: CreateJobQuery,
  body: CreateJobRequest,
  reply: BatchInferenceJob,
  handle: async ({ context, caller, query, body }) => {
    refuseContinuation(body.continuedFromJobName);
    const job = await createJob(context, caller, {
      id: query.batchInferenceJobId || undefined,
      displayName: body.displayName,
      model: body.model,
      inputDataset: body.inputDatasetId,
      outputDataset: body.outputDatasetId,
      settings: toSettings(body.inferenceParameters ?? {}, body.systemPrompt),
      precision: body.precision,
      maxDurationSeconds: body.maxJobDuration,
    });
    return reply(context, job);
  },
});

const list = route({
  method: 'get',
  path: COLLECTION,
  tag,
  summary: 'List batch inference jobs',
  query: ListQuery,
  reply: listReply('batchInferenceJobs', BatchInferenceJob),
  handle: async ({ context, caller, query }) => {
    const page = toPage(query, { accountId: caller.accountId, collection: 'batchInferenceJobs' });
    const { jobs, total } = await listJobs(context, caller, page);
    const replies = await Promise.all(jobs.map((job) => reply(context, job)));
    return {
      batchInferenceJobs: replies.map((job) => applyMask(job, query.readMask)),
      nextPageToken: nextPageToken(page, total),
      totalSize: total,
    };
  },
});

const get = route({
  method: 'get',
  path: ONE,
  tag,
  summary: 'Get a batch inference job',
  query: ReadQuery,
  reply: BatchInferenceJob,
  handle: async (call) => {
    const job = await getJob(call.context, call.caller, idOf(call));
    return applyMask(await reply(call.context, job), call.query.readMask);
  },
});

const remove = route({
  method: 'delete',
  path: ONE,
  tag,
  summary: 'Delete a batch inference job; its output dataset stays',
  reply: z.object({}),
  handle: async (call) => {
    await deleteJob(call.context, call.caller, idOf(call));
    return {};
  },
});

const cancel = route({
  method: 'post',
  path: `${ONE}/@cancel`,
  tag,
  summary: 'Stop a batch inference job; finished rows reach its output dataset',
  reply: BatchInferenceJob,
  handle: async (call) => reply(call.context, await cancelJob(call.context, call.caller, idOf(call))),
});

/** Every route of the resource. */
export const jobRoutes = [create, list, get, remove, cancel];

const refuseContinuation = (name: string | undefined): void => {
  if (!name) return;
  throw new Problem('UNIMPLEMENTED', 'Jobs are not continued yet: make a dataset of the unanswered rows and start a job on it.', {
    reason: 'CONTINUATION_NOT_OFFERED',
    details: { field: 'continuedFromJobName' },
  });
};
