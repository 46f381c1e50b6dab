/** Starts a batch: a job whose rows name their models, made from a file. Everything that can be refused before the rows are read is refused here. */
import { makeId } from '../base/ids.ts';
import { Problem } from '../base/problem.ts';
import type { CreateBatchRequest } from '../contract/openai/batch.ts';
import { parseFileId } from '../contract/openai/ids.ts';
import type { Job } from '../jobs/job.ts';
import { ROW_PATHS } from '../jobs/row-format.ts';
import type { Caller, Context } from './context.ts';
import { checkedWindow, createJob, type JobWish } from './create-job.ts';
import { getDataset } from './get-dataset.ts';

const ID_CHARACTERS = 24;
/** What a file must be for, if its owner says. */
const PURPOSE = 'batch';

/** A request, and the uid of its job; default: one by chance. */
export type BatchWish = CreateBatchRequest & Pick<JobWish, 'uid'>;

/** Writes the job and queues its planning. */
export async function createBatch(context: Context, caller: Caller, request: BatchWish): Promise<Job> {
  const { endpoint, metadata, output_expires_after: expiry, ask_identical_rows_once: askIdenticalRowsOnce } = request;
  if (!ROW_PATHS.includes(endpoint)) throw unknownEndpoint(endpoint);
  return createJob(context, caller, {
    uid: request.uid,
    id: makeId(ID_CHARACTERS),
    outputDataset: makeId(ID_CHARACTERS),
    inputDataset: await findInput(context, caller, request.input_file_id),
    settings: askIdenticalRowsOnce === undefined ? {} : { askIdenticalRowsOnce },
    maxDurationSeconds: checkedWindow(context.limits, request.completion_window, 'completion_window'),
    endpoint,
    metadata,
    outputExpiresAfterSeconds: expiry?.seconds,
  });
}

async function findInput(context: Context, caller: Caller, fileId: string): Promise<string> {
  const file = parseFileId(fileId);
  if (file?.part !== 'whole') throw misfit(`"${fileId.slice(0, 100)}" is no id of a file with rows, such as "file-in-01".`);
  const { id, purpose } = await getDataset(context, caller, file.datasetId).catch((cause: unknown) => {
    throw cause instanceof Problem && cause.code === 'NOT_FOUND' ? noSuchFile(fileId) : cause;
  });
  if (purpose !== null && purpose !== PURPOSE) throw misfit(`${fileId} is a file for "${purpose}": upload it for "${PURPOSE}".`);
  return id;
}

const misfit = (what: string): Problem =>
  new Problem('INVALID_ARGUMENT', `Invalid input_file_id: ${what}`, {
    reason: 'INVALID_FILE',
    details: { field: 'input_file_id' },
  });

const noSuchFile = (fileId: string): Problem =>
  new Problem('NOT_FOUND', `There is no file ${fileId}: it was deleted, or never uploaded with a key of this account.`, {
    reason: 'FILE_NOT_FOUND',
    details: { field: 'input_file_id' },
  });

const unknownEndpoint = (endpoint: string): Problem =>
  new Problem('INVALID_ARGUMENT', `Invalid endpoint "${endpoint.slice(0, 100)}": expected one of ${ROW_PATHS.join(', ')}.`, {
    reason: 'INVALID_ENDPOINT',
    details: { field: 'endpoint' },
  });
