import { Problem } from '../base/problem.ts';
import { listDatasetFiles } from '../db/queries/list-dataset-files.ts';
import type { Job } from '../jobs/job.ts';
import type { WorkerContext } from './worker-context.ts';

export interface InputFile {
  readonly name: string;
  readonly objectKey: string;
  readonly bytes: number;
}

/** The one file of a job's input dataset. */
export async function findInputFile({ store }: WorkerContext, job: Job): Promise<InputFile> {
  const [file] = await listDatasetFiles(store.db, job.accountId, job.inputDatasetId);
  if (file === undefined) {
    throw new Problem(
      'FAILED_PRECONDITION',
      `Dataset ${job.inputDatasetId} holds no file. Upload one, then create the job again.`,
      { reason: 'DATASET_EMPTY' },
    );
  }
  return file;
}
