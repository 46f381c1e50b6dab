/** Ids of OpenAI's dialect: a dataset is a file, a job is a batch, and their ids tell which. */
import { isId } from '../names.ts';

const FILE = 'file-';
const ERRORS = '.errors';
const BATCH = 'batch_';

/** A file by the dataset behind it. */
export interface FileOf {
  readonly datasetId: string;
  /** `errors`: the rows of a job's output that have no answer; `whole`: the dataset, of a job's output the answers. */
  readonly part: 'whole' | 'errors';
}

/** `file-in-01`, or `file-out-01.errors`. */
export const toFileId = (datasetId: string, part: FileOf['part'] = 'whole'): string =>
  `${FILE}${datasetId}${part === 'errors' ? ERRORS : ''}`;

/** Undefined for what is no id of a file. */
export const parseFileId = (fileId: string): FileOf | undefined => {
  if (!fileId.startsWith(FILE)) return undefined;
  const part = fileId.endsWith(ERRORS) ? 'errors' : 'whole';
  const datasetId = fileId.slice(FILE.length, part === 'errors' ? -ERRORS.length : undefined);
  return isId(datasetId) ? { datasetId, part } : undefined;
};

/** `batch_nightly`. */
export const toBatchId = (jobId: string): string => `${BATCH}${jobId}`;

/** The job's id; undefined for what is no id of a batch. */
export const parseBatchId = (batchId: string): string | undefined => {
  const jobId = batchId.slice(BATCH.length);
  return batchId.startsWith(BATCH) && isId(jobId) ? jobId : undefined;
};
