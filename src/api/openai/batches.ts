/** `/batches`: jobs as OpenAI's clients see them. */
import { BATCH_ENDED, cancelBatch } from '../../actions/cancel-batch.ts';
import { createBatch } from '../../actions/create-batch.ts';
import { createOnce } from '../../actions/create-once.ts';
import { getBatch } from '../../actions/get-batch.ts';
import { Problem } from '../../base/problem.ts';
import { makeName } from '../../contract/names.ts';
import { Batch, BatchList, CreateBatchRequest, ListBatchesQuery } from '../../contract/openai/batch.ts';
import { toFileId } from '../../contract/openai/ids.ts';
import { toOpenAiList } from '../../contract/openai/list.ts';
import { RESULT_HEADERS } from '../../contract/results-headers.ts';
import { listNewestJobs } from '../../db/queries/list-newest-jobs.ts';
import type { Job } from '../../jobs/job.ts';
import type { Call } from '../route.ts';
import { replyBatch, replyBatches } from './batch-replies.ts';
import { openaiRoute } from './openai-route.ts';

const ONE = '/batches/{batch_id}';
const tag = 'OpenAI: batches';
const PAGE_SIZE = 20;
/** A client that lost its connection asks again within seconds, without saying that it is the same. */
const IDENTICAL_MS = 10_000;

const idOf = ({ params }: Call<unknown, unknown>): string => params['batch_id'] ?? '';
const nameOf = ({ accountId, id }: Job): string => makeName(accountId, 'batchInferenceJobs', id);

const create = openaiRoute({
  method: 'post',
  path: '/batches',
  tag,
  summary: 'Start a batch; the same request again within 10 seconds, with the same key, answers the first',
  operationId: 'createBatch',
  body: CreateBatchRequest,
  once: { usesOrigin: true, identicalMs: IDENTICAL_MS },
  reply: Batch,
  handle: async ({ context, caller, body, http, origin }) => {
    const job = await createOnce(context, origin, (uid) => createBatch(context, caller, { ...body, uid }));
    http.set('subject', nameOf(job));
    return replyBatch(context, job);
  },
});

const list = openaiRoute({
  method: 'get',
  path: '/batches',
  tag,
  summary: 'List batches, newest first',
  operationId: 'listBatches',
  query: ListBatchesQuery,
  reply: BatchList,
  handle: async ({ context, caller, query: { after, limit = PAGE_SIZE } }) => {
    const before = after === undefined ? undefined : await getBatch(context, caller, after);
    const jobs = await listNewestJobs(context.store.db, { accountId: caller.accountId, before, limit: limit + 1 });
    return toOpenAiList(await replyBatches(context, jobs.slice(0, limit)), jobs.length > limit);
  },
});

const get = openaiRoute({
  method: 'get',
  path: ONE,
  tag,
  summary: 'Get a batch',
  operationId: 'getBatch',
  reply: Batch,
  handle: async (call) => {
    const job = await getBatch(call.context, call.caller, idOf(call));
    // The body names it at the end, as the published clients expect; its committed rows can be read before.
    call.http.header(RESULT_HEADERS.outputFileId, toFileId(job.outputDatasetId));
    return replyBatch(call.context, job);
  },
});

const cancel = openaiRoute({
  method: 'post',
  path: `${ONE}/cancel`,
  tag,
  summary: 'Stop a batch; finished rows reach its files',
  operationId: 'cancelBatch',
  reply: Batch,
  handle: async (call) => {
    const job = await cancelBatch(call.context, call.caller, idOf(call)).catch((cause: unknown) => {
      // It stays so: clients that try conflicts again are told not to.
      if (cause instanceof Problem && cause.reason === BATCH_ENDED) call.http.header('x-should-retry', 'false');
      throw cause;
    });
    call.http.set('subject', nameOf(job));
    return replyBatch(call.context, job);
  },
});

/** Every route of the resource. */
export const batchRoutes = [create, list, get, cancel];
