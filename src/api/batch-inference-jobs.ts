/** `/v1/accounts/{account}/batchInferenceJobs`. */
import { z } from 'zod';
import { continueJob } from '../actions/continue-job.ts';
import { createJob } from '../actions/create-job.ts';
import { createOnce } from '../actions/create-once.ts';
import { deleteJob } from '../actions/delete-job.ts';
import { getJob } from '../actions/get-job.ts';
import { BatchInferenceJob, CreateJobQuery, CreateJobRequest, PRECISIONS } from '../contract/job.ts';
import { WIRE_JOB_STATES } from '../contract/job-state.ts';
import { ListQuery, listReply, ReadQuery } from '../contract/list.ts';
import { type JobColumn, listJobs } from '../db/queries/list-jobs.ts';
import type { Page } from '../db/queries/page.ts';
import { replyJob, replyJobs } from './job-replies.ts';
import { toStoredState } from './job-reply.ts';
import { toSettings } from './job-settings.ts';
import { jobVerbRoutes } from './job-verbs.ts';
import type { FieldKind } from './list-filter.ts';
import { applyMask } from './read-mask.ts';
import { replyPage } from './reply-page.ts';
import { type Call, route } from './route.ts';

const COLLECTION = '/v1/accounts/{account_id}/batchInferenceJobs';
const ONE = `${COLLECTION}/{job_id}`;
const tag = 'Batch inference jobs';
const columns: Readonly<Record<string, JobColumn>> = {
  name: 'id',
  displayName: 'displayName',
  createTime: 'createdAt',
  createdTime: 'createdAt',
  updateTime: 'updatedAt',
  expireTime: 'expiresAt',
  createdBy: 'createdBy',
  state: 'state',
  'status.code': 'statusCode',
  'status.message': 'statusMessage',
  model: 'model',
  precision: 'precision',
  inputDatasetId: 'inputDatasetId',
  outputDatasetId: 'outputDatasetId',
  continuedFromJobName: 'continuedFrom',
  'lifecycle.validatedTime': 'validatedAt',
  'lifecycle.runStartTime': 'startedAt',
  'lifecycle.endTime': 'endedAt',
  'jobProgress.totalInputRequests': 'totalRows',
};
const kinds: Readonly<Record<string, FieldKind>> = {
  state: { prefix: 'JOB_STATE_', stored: Object.fromEntries(WIRE_JOB_STATES.map((state) => [state, toStoredState(state)])) },
  precision: { prefix: '', stored: Object.fromEntries(PRECISIONS.map((precision) => [precision, precision])) },
  inputDatasetId: 'name',
  outputDatasetId: 'name',
  continuedFromJobName: 'name',
  'jobProgress.totalInputRequests': 'number',
};
const idOf = ({ params }: Call<unknown, unknown>): string => params['job_id'] ?? '';

const create = route({
  method: 'post',
  path: COLLECTION,
  tag,
  summary: 'Start a batch inference job',
  once: { usesOrigin: true },
  query: CreateJobQuery,
  body: CreateJobRequest,
  reply: BatchInferenceJob,
  handle: async ({ context, caller, query, body, origin }) => {
    const { inferenceParameters, systemPrompt, continuedFromJobName, maxJobDuration } = body;
    const wish = {
      id: query.batchInferenceJobId || undefined,
      displayName: body.displayName,
      model: body.model || undefined,
      outputDataset: body.outputDatasetId,
      precision: body.precision,
      maxDurationSeconds: maxJobDuration,
      onInvalidRow: body.onInvalidRow,
      inputDataset: body.inputDatasetId || undefined,
    };
    const { anyParameters } = context.limits;
    const settings = {
      ...toSettings({ parameters: inferenceParameters ?? {}, systemPrompt, anyParameters }),
      ...(body.askIdenticalRowsOnce !== undefined && { askIdenticalRowsOnce: body.askIdenticalRowsOnce }),
    };
    const job = await createOnce(context, origin, (uid) =>
      continuedFromJobName
        ? continueJob(context, caller, { ...wish, uid, continuedFrom: continuedFromJobName, changes: settings })
        : createJob(context, caller, { ...wish, uid, settings }),
    );
    return replyJob(context, job);
  },
});

const list = route({
  method: 'get',
  path: COLLECTION,
  tag,
  summary: 'List batch inference jobs',
  query: ListQuery,
  reply: listReply('batchInferenceJobs', BatchInferenceJob),
  handle: ({ context, caller: { accountId }, query }) => {
    const take = async (page: Page<JobColumn>) => {
      const { rows, total } = await listJobs(context.store.db, page);
      return { rows: await replyJobs(context, rows), total };
    };
    return replyPage('batchInferenceJobs', query, { accountId, columns, kinds, take, toReply: (reply) => reply });
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
    return applyMask(await replyJob(call.context, job), call.query.readMask);
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

/** Every route of the resource. */
export const jobRoutes = [create, list, get, remove, ...jobVerbRoutes];
